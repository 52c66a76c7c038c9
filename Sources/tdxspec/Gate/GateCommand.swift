import ArgumentParser
import Verdicts

extension TDXSpec {
  /// `tdxspec gate`.
  struct Gate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Runs all that a change has to pass: checks, proofs, suites; one summary.",
      discussion: """
        A plan says what is run: one call of tdxspec a line, with its stage and its seconds. A \
        call that ends well is not made again until the tool, its arguments or a file that they \
        name has changed. contrib/ci has workflows that run it.

        EXAMPLES
          tdxspec gate
          tdxspec gate --stage check --stage conform
          tdxspec gate --plan my-plan --no-cache --json

        A line of a plan:
          conform 60 conform --backend simulator --suite Conformance/Suites/kvm-tdx-checks.json

        EXIT CODES
          0 everything ended well  1 something did not  2 unusable input
          3 nothing failed, but something has no answer in its time  4 nothing could run here
          70 a call broke down
        """)

    @Option(name: .long, help: ArgumentHelp("The plan.", valueName: "file"))
    var plan = "Conformance/gate"

    @Option(
      name: .long, help: ArgumentHelp("Only this stage; may be repeated.", valueName: "stage"))
    var stage: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Where results are kept; by default tdxspec in XDG_CACHE_HOME, or in ~/.cache.",
        valueName: "folder"))
    var cache: String?

    @Flag(name: .long, help: "Run everything, whatever is kept.")
    var noCache = false

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    func validate() throws {
      if noCache && cache != nil { throw ValidationError("--no-cache takes no --cache") }
    }

    func run() throws {
      let status = try GateRunner(command: self).run()
      if status != .success { throw CommandExit(status: status) }
    }
  }
}
