#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;

constexpr Choice kChoices[] = {
    {24, AnyTypeCommand},
    {12, GenericCommand},
    {5, [](Vocabulary&) -> CommandLine { return {"MULTI"}; }},
    {5, [](Vocabulary&) -> CommandLine { return {"EXEC"}; }},
    {1, [](Vocabulary&) -> CommandLine { return {"DISCARD"}; }},
    {1, [](Vocabulary&) -> CommandLine { return {"UNWATCH"}; }},
    {4,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"WATCH"};
       for (int i = 1 + w.Number(2); i > 0; --i) command.push_back(w.AnyKey());
       return command;
     }},
};

}  // namespace

CommandLine TransactionCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
