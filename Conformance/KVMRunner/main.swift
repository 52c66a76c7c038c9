import Glibc
import KVMBackend

exit(RunnerCommand.run(Array(CommandLine.arguments.dropFirst())))
