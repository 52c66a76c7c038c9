import ArgumentParser
import ConformanceKit
import SpecLanguage
import SpecProgram
import TestGeneration
import Verdicts

extension TDXSpec {
  /// `tdxspec generate`.
  struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a suite of conformance tests from a spec.",
      discussion: """
        One caller makes the calls and waits for each answer. What sequences of calls lead to are \
        the states of a machine; in each, each call succeeds, is refused with an errno, or \
        nothing can be expected of it, with a reason. States that no sequence tells apart are one.

        CRITERIA
          checks                  each check of each call refuses once, with twins that differ in \
        one argument, and calls that break two checks at once
          tour, 0-switch          each transition, in the cheapest sequences (Chinese postman)
          1-switch, 2-switch      each two or three transitions in a row
          2-way, 3-way            each two or three different calls in every order
          hsi, hybrid             each state by the cover, up to k + 1 more calls, and what tells \
        where that led: complete for the fault domain that is printed; --certificate shows why. \
        hybrid uses adaptive distinguishing sequences where there are any
          parallel, parallel-2    two threads make one or two calls each at once, in a scope with \
        two threads: what comes of it is what some order of the calls' steps gives
          random                  random walks
          deviations              lives of VMs and every way to leave them: calls dropped, \
        repeated, moved, with every other value of each argument, with SEAMCALLs that fail; in \
        the words of recordings (kvm/tdx, gmem/mainline, tdx/module). --observe seamcalls and \
        --observe written have tests of KVM look at those

        EXAMPLES
          tdxspec generate gmem/mainline --scope small --call mmap --call munmap --criterion tour
          tdxspec generate kvm/tdx --scope creation --criterion hybrid -o creation.json \
        --certificate creation.certificate.json
          tdxspec generate gmem/mainline --scope small --deferred kvm_gmem_release --deferred \
        kvm_destroy_vm --criterion 1-switch -o gmem.json
          tdxspec generate kvm/tdx --scope creation --criterion checks --words kernel -o checks.json
          tdxspec generate kvm/tdx --scope creation --criterion tour --random 20 --seed 7 --json
          tdxspec generate kvm/tdx --scope creation --format rv -o td.dot
          tdxspec generate --format kselftest --suite Conformance/Suites/gmem-6.18-deviations.json \
        -o gmem_test.c
        """)

    @Argument(help: "The spec; none for --format kselftest.")
    var spec: String?

    @Option(
      name: .long,
      help: """
        suite; kselftest: a suite (--suite) as a program in C, with KTAP; rv: the order of calls \
        that succeed, as an automaton of the kernel's runtime verification, and KUnit tests.
        """)
    var format = GeneratedFormat.suite

    @Option(name: .long, help: ArgumentHelp("For kselftest: the suite.", valueName: "file"))
    var suite: String?

    @OptionGroup var scope: ScopeOptions

    @Option(
      name: .long,
      help: ArgumentHelp(
        "\(Criterion.names.joined(separator: ", ")).", valueName: "name"))
    var criterion = "tour"

    @Option(name: .long, help: ArgumentHelp("For hsi and hybrid, 0 to 4.", valueName: "n"))
    var k = 0

    @Option(
      name: .long,
      help: ArgumentHelp(
        "A call that tests make; may be repeated. All that threads can make by default.",
        valueName: "call"))
    var call: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "What the system does by itself after a call, before the next; may be repeated.",
        valueName: "call"))
    var deferred: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "A variable that backends can see: tests expect its values; may be repeated.",
        valueName: "variable"))
    var observe: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "spec: calls as the spec names them; kernel: system calls with numbers (kvm/tdx).",
        valueName: "words"))
    var words = CallWords.spec

    @Option(
      name: .long,
      help: ArgumentHelp(
        "A variable that says that the system reports something broken, such as vm_bugged: where "
          + "it holds, a test lets the system do so; may be repeated.",
        valueName: "variable"))
    var condone: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "For parallel: race each pair of calls in so many states, for each two ways that they "
          + "take alone.", valueName: "n"))
    var states = 3

    @Option(
      name: .long,
      help: ArgumentHelp(
        "For deviations: only lives of this recorded environment; may be repeated.",
        valueName: "name"))
    var environment: [String] = []

    @Flag(name: .long, help: "For deviations: keep every test that shows a new call or order.")
    var thorough = false

    @Option(
      name: .long, help: ArgumentHelp("How many calls a fresh start is worth.", valueName: "n"))
    var resetCost = 5

    @Option(
      name: .long, help: ArgumentHelp("So many random walks after the rest.", valueName: "n"))
    var random: Int?

    @Option(name: .long, help: ArgumentHelp("How long a random walk is.", valueName: "n"))
    var length = 40

    @Option(name: .long, help: ArgumentHelp("Of the random walks.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(
      name: .long,
      help: ArgumentHelp("Give up at so many states of the machine.", valueName: "n"))
    var maxStates = 200_000

    @Option(
      name: .long, help: ArgumentHelp("Give up at so many calls in the suite.", valueName: "n"))
    var maxCalls = 2_000_000

    @Option(
      name: .shortAndLong, help: ArgumentHelp("Write the suite there.", valueName: "file"))
    var output: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Write why the suite is complete; tdxspec certificate checks it.", valueName: "file"))
    var certificate: String?

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    func validate() throws {
      guard (format == .kselftest) == (suite != nil), (format == .kselftest) == (spec == nil) else {
        throw ValidationError("name a spec, or --format kselftest with --suite and no spec")
      }
      guard format != .rv || output != nil else {
        throw ValidationError("--format rv needs -o NAME.dot; the tests are in NAME_kunit.c")
      }
      guard (0...4).contains(k) else { throw ValidationError("--k takes a number from 0 to 4") }
      guard let criterion = Criterion(criterion, k: k) else {
        throw ValidationError(
          "there is no criterion '\(criterion)'; criteria: "
            + Criterion.names.joined(separator: ", "))
      }
      if case .certified = criterion {
      } else {
        if k != 0 { throw ValidationError("--k is for hsi and hybrid") }
        if certificate != nil { throw ValidationError("--certificate is for hsi and hybrid") }
      }
      if certificate != nil && output == nil {
        throw ValidationError("--certificate needs the suite that it is for: add -o FILE")
      }
      for (name, value) in [
        ("--reset-cost", resetCost), ("--length", length), ("--max-states", maxStates),
        ("--max-calls", maxCalls), ("--random", random ?? 1), ("--states", states),
      ] where value < 1 {
        throw ValidationError("\(name) takes a number from 1")
      }
      if random == nil, criterion == .random {
        throw ValidationError("--criterion random needs --random: how many walks")
      }
    }

    func run() throws {
      if let suite { return try writeKselftest(suite) }
      let status = try GenerateRunner(command: self).run()
      if status != .success { throw CommandExit(status: status) }
    }
  }
}

extension CallWords: ExpressibleByArgument {}

/// What `generate` writes.
enum GeneratedFormat: String, ExpressibleByArgument, CaseIterable {
  case suite
  case kselftest
  case rv
}

extension TDXSpec.Generate {
  /// Writes a suite as a selftest of the kernel's kind.
  private func writeKselftest(_ path: String) throws {
    let made: Kselftest
    do {
      made = try Kselftest(try SuiteFile.read(path))
    } catch let error as KselftestError {
      throw ValidationError("\(path): \(error.description)")
    }
    if let output { try FileOutput.write(made.text, to: output) }
    var out = ""
    if json {
      let left = made.left.map {
        JSONValue.members(["test": .string($0.id), "why": .string($0.why)])
      }
      let event = JSONValue.members([
        "event": "kselftest", "tests": .int(made.tests), "left_out": .array(left),
      ])
      let events = [
        Events.start("generate", version: TDXSpec.version), event, Events.end(.success),
      ]
      out = events.map { $0.text + "\n" }.joined()
    } else {
      out = "\(made.tests) tests in C\n"
      for (id, why) in made.left { out += "left out: \(id), which \(why)\n" }
    }
    try Output.standard.write(out)
  }
}
