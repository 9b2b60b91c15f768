// Random scripts for each group of types against redis-server and Peal.
//
// $PEAL_SEED repeats a run, $PEAL_DIFFERENTIAL_COMMANDS sets the length of each script. See
// tests/support/side_by_side.h for how replies and keyspaces are compared.

#include "tests/support/behaviour.h"
#include "tests/support/script/groups.h"
#include "tests/support/side_by_side.h"

namespace peal::tests {
namespace {

class DifferentialTypes : public Behaviour {
 protected:
  void Compare(CommandLine (*make)(Vocabulary& words)) {
    constexpr int kCommands = 3000;
    SideBySide sides(Reference(), server(), resp(), Seed());
    sides.Run(make, ScriptLength(kCommands));
  }
};
INSTANTIATE_TEST_SUITE_P(, DifferentialTypes, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(DifferentialTypes, StringsAnswerAsRedisDoes) { Compare(StringCommand); }
TEST_P(DifferentialTypes, BitmapsAnswerAsRedisDoes) { Compare(BitmapCommand); }
TEST_P(DifferentialTypes, HyperLogLogsAnswerAsRedisDoes) { Compare(HyperLogLogCommand); }
TEST_P(DifferentialTypes, ListsAnswerAsRedisDoes) { Compare(ListCommand); }
TEST_P(DifferentialTypes, SetsAnswerAsRedisDoes) { Compare(SetCommand); }
TEST_P(DifferentialTypes, HashesAnswerAsRedisDoes) { Compare(HashCommand); }
TEST_P(DifferentialTypes, SortedSetsAnswerAsRedisDoes) { Compare(SortedSetCommand); }
TEST_P(DifferentialTypes, GeoAnswersAsRedisDoes) { Compare(GeoCommand); }
TEST_P(DifferentialTypes, StreamsAnswerAsRedisDoes) { Compare(StreamCommand); }
TEST_P(DifferentialTypes, GenericCommandsAnswerAsRedisDoes) { Compare(GenericCommand); }
TEST_P(DifferentialTypes, TransactionsAnswerAsRedisDoes) { Compare(TransactionCommand); }

}  // namespace
}  // namespace peal::tests
