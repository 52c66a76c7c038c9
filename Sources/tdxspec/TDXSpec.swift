import ArgumentParser
import Explorer
import SpecProgram
import Verdicts

/// The command line tool.
@main
struct TDXSpec: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "tdxspec",
    abstract: "Checks that the order of calls around confidential VMs is safe.",
    discussion: """
      A spec describes what a VMM's threads, KVM and the TDX module may do, step by step. tdxspec \
      explores every interleaving at a given size and says which properties hold.

      EXAMPLES
        tdxspec list                                   the bundled specs
        tdxspec check teardown/terminate-vm-v4         what goes wrong, and the shortest way there
        tdxspec read teardown/terminate-vm-v4 KVM_TDX_TERMINATE_VM
        tdxspec doc teardown/terminate-vm-v4 --scope small         a page for a review mail
        tdxspec diff teardown/mainline teardown/terminate-vm-v4    what is newly allowed
        tdxspec explore bench/tdx-teardown --set N=1 --set P=1 --set L=1 --mermaid graph.mmd

      EXIT CODES
        0 holds  1 violated, vacuous, different or not as expected  2 unusable input
        3 no answer (a limit)  4 skipped  70 internal error  74 output cannot be written
      """,
    version: version,
    subcommands: [
      Ask.self, Certificate.self, Check.self, Compare.self, Conform.self, Cost.self, Diff.self,
      Doc.self, Explore.self, Gate.self, Generate.self, Kernel.self, List.self,
      Mutate.self, Profile.self, Prove.self, Read.self, Replay.self, Suites.self, Trace.self,
      Why.self,
    ])

  /// Runs the tool and maps every way out to one of its exit codes.
  static func main() {
    var status = ExitStatus.success
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      status = report(error)
    }
    leave(status)
  }

  private static func report(_ error: any Error) -> ExitStatus {
    switch error {
    case let exit as CommandExit: return exit.status
    case let error as OutputError: return error.report()
    case let error as SpecError:
      Terminal.complain(error.description)
      return .usage
    default: break
    }
    let code = exitCode(for: error)
    let message = fullMessage(for: error)
    if code.isSuccess {
      do { try Output.standard.write(message + "\n") } catch { return error.report() }
      return .success
    }
    Terminal.complain(Self.message(for: error))
    return .usage
  }
}

/// How a command ends when it does not simply succeed.
struct CommandExit: Error {
  let status: ExitStatus
}
