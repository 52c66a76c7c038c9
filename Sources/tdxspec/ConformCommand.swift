import ArgumentParser
import BackendProcess
import ConformanceKit
import ConformanceReports
import Verdicts

extension TDXSpec {
  /// `tdxspec conform`.
  struct Conform: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Runs a suite of conformance tests on a backend.",
      discussion: """
        A backend makes calls to a system and tells what came: exec:COMMAND runs a command that \
        speaks docs/backend-protocol.md; kvm is /dev/kvm of this machine; qemu:KERNEL is a kernel \
        in a virtual machine, a file or a name in $TDXSPEC_KERNELS, with the runner of \
        tools/static-runner; simulator:SYSTEM is the simulator, which has no part in the specs and \
        takes suites made with --words kernel. A test passes, fails, is inconclusive or is \
        skipped. A call that was answered wrongly is made again with fewer and fewer calls before \
        it, and explained with the spec that the suite was made from.

        --race tries a race of a counterexample on the real code: the calls before it one by one, \
        then those that overlap at once, again and again with other delays. Where a stand-in \
        module takes orders, the SEAMCALLs that find a lock taken in the trace are made to; the \
        simulator tries every preemption. It tells what came, and whether what the trace leads \
        to did.

        SYSTEMS
        \(BackendChoice.systems)

        EXAMPLES
          tdxspec generate tutorial/ticket-lock --criterion hsi --observe taken -o suite.json
          tdxspec conform --backend "exec:contrib/backends/ticket_lock.py" --suite suite.json
          tdxspec conform --backend simulator --suite Conformance/Suites/kvm-tdx-checks.json
          tdxspec conform --backend simulator:7.3-tdx --suite suite.json --fault \
        KVM_TDX_INIT_VM/missingCheck/vcpus
          tdxspec conform --backend kvm --suite Conformance/Suites/gmem-6.18-deviations.json
          tdxspec conform --backend qemu:7.3-swprot --suite \
        Conformance/Suites/gmem-7.3-deviations.json
          tdxspec conform --backend kvm --compare qemu:7.3-swprot --suite \
        Conformance/Suites/gmem-6.18-deviations.json
          tdxspec check kvm/tdx --scope build-remove --property S-21-finalize --json \
        --output trace.json
          tdxspec conform --backend qemu:7.3-standin --race trace.json --times 20
          tdxspec conform --backend exec:./vmm --suite suite.json --shard 2/4 --format junit \
        -o junit.xml
          tdxspec conform --backend exec:./vmm --suite suite.json --skips skipped.txt --json
          tdxspec conform --backend exec:./vmm --suite suite.json --compatibility

        EXIT CODES
          0 every test that ran passed, and exactly those of --skips were skipped; nothing but
            the --differences was found
          1 a test failed, other tests were skipped, or what a raced trace shows did not come
          2 unusable input, or a trace without a race that can be tried
          3 a test was inconclusive  4 nothing could run here  70 the backend broke down
        """)

    @Option(name: .long, help: ArgumentHelp(BackendChoice.help, valueName: "backend"))
    var backend: BackendChoice

    @OptionGroup var mistakes: FaultOptions
    @OptionGroup var kernel: KernelOptions

    @Option(name: .long, help: ArgumentHelp("What tdxspec generate wrote.", valueName: "file"))
    var suite: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Try the race of a counterexample of kvm/tdx that tdxspec check --json wrote.",
        valueName: "file"))
    var race: String?

    @Option(name: .long, help: ArgumentHelp("How often a race is tried.", valueName: "n"))
    var times = 12

    @Option(
      name: .long,
      help: ArgumentHelp("Only every n-th test, from the i-th.", valueName: "i/n"))
    var shard: Shard?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "The tests that shall be skipped here, one id a line.", valueName: "file"))
    var skips: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "\(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var format = ReportFormat.console

    @Option(
      name: .shortAndLong, help: ArgumentHelp("Write the report there.", valueName: "file"))
    var output: String?

    @Option(name: .long, help: ArgumentHelp("For one call, such as 10s.", valueName: "time"))
    var callTimeout: Duration?

    @Option(
      name: .long,
      help: ArgumentHelp("Explain and shorten so many failed tests.", valueName: "n"))
    var explain = 3

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Judge nothing: what does this backend answer otherwise?", valueName: "backend"))
    var compare: BackendChoice?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "What --compare shall find: lines of a call and its two answers, with tabs.",
        valueName: "file"))
    var differences: String?

    @Flag(name: .long, help: "Check the backend instead: what every backend must do.")
    var compatibility = false

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    func validate() throws {
      guard (suite == nil) != (race == nil) else {
        throw ValidationError("a suite or a trace is needed: --suite FILE or --race FILE")
      }
      guard 1...10_000 ~= times else {
        throw ValidationError("--times takes a number from 1 to 10000")
      }
      if race != nil
        && (compare != nil || compatibility || shard != nil || skips != nil || format != .console)
      {
        throw ValidationError(
          "--race takes no --compare, --compatibility, --shard, --skips or --format")
      }
      guard explain >= 0 else { throw ValidationError("--explain takes a number from 0") }
      if json && format != .console {
        throw ValidationError("--json and --format both say what the output is")
      }
      if compare != nil && (json || compatibility || skips != nil || format != .console) {
        throw ValidationError("--compare takes no --json, --compatibility, --skips or --format")
      }
      if differences != nil && compare == nil {
        throw ValidationError("--differences is for --compare")
      }
      if compatibility && (shard != nil || skips != nil || format != .console) {
        throw ValidationError("--compatibility takes no --shard, --skips or --format")
      }
    }

    /// The suite's file, where no trace stands in its place.
    var suitePath: String {
      get throws {
        guard let suite else { throw ValidationError("a suite is needed: --suite FILE") }
        return suite
      }
    }

    func run() throws {
      let status = try ConformRunner(command: self).run()
      if status != .success { throw CommandExit(status: status) }
    }
  }
}

extension ReportFormat: ExpressibleByArgument {}

/// `2/4`: the second of four parts.
struct Shard: ExpressibleByArgument {
  let index: Int
  let count: Int

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), index >= 1,
      index <= count
    else { return nil }
    self.index = index
    self.count = count
  }

  func part<T>(of all: [T]) -> [T] {
    all.indices.filter { $0 % count == index - 1 }.map { all[$0] }
  }
}
