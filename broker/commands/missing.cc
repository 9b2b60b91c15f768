#include "broker/exec/command.h"
namespace peal::broker {
std::span<const Command> ClientCommands(){return {};}
std::span<const Command> ServerCommands(){return {};}
std::span<const Command> ConfigCommands(){return {};}
std::span<const Command> CommandCommands(){return {};}
std::span<const Command> IntrospectionCommands(){return {};}
std::span<const Command> LatencyCommands(){return {};}
std::span<const Command> MemoryCommands(){return {};}
}
