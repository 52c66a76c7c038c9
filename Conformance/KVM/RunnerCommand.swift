import CKVM
import Glibc

/// The command `tdxspec-kvm`.
public enum RunnerCommand {
  /// The whole program: nothing runs after it, not even what C does when a program ends.
  public static func main() -> Never {
    ckvm_leave(run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Answers requests on standard input and output; as the first process of a virtual machine, on
  /// its second serial port.
  ///
  /// - Returns: the status to end with: 0, or 2 for options that are not known.
  public static func run(_ arguments: [String]) -> Int32 {
    let options: RunnerOptions
    do throws(RunnerOptions.UnknownOption) {
      options = try RunnerOptions(arguments)
    } catch {
      LineWriter(STDERR_FILENO).write(Array("tdxspec-kvm: \(error.text)\n".utf8))
      return 2
    }
    guard getpid() == 1 else {
      signal(SIGPIPE, SIG_IGN)
      var supervisor = Supervisor(options, input: STDIN_FILENO, output: STDOUT_FILENO)
      supervisor.serve()
      return 0
    }
    GuestInit.run(options)
    ckvm_power_off()
    return 0
  }
}
