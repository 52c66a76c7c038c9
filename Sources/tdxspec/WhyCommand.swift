import ArgumentParser
import TraceValidation
import Verdicts

/// What `why` and `profile` are told of a trace.
struct ProcessTraceOptions: ParsableArguments {
  @Option(name: .long, help: "strace, calls, trace-cmd (told by the first line).")
  var format: SystemCallFormat?

  @Flag(name: .long, help: "JSON lines on standard output.")
  var json = false
}

extension SystemCallFormat: ExpressibleByArgument {}

extension TDXSpec {
  /// `tdxspec why`.
  struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says what a call would answer after a trace, and why.",
      discussion: """
        The call is in the words of recordings: a name and NAME=VALUE, in one text or several. \
        What it is on is by default the last VM, vCPU or memfd; on=vm0 names another, as trace \
        check does. Each check that the call comes to is told with its value; the last decides.

        EXAMPLES
          tdxspec why KVM_TDX_FINALIZE_VM --after qemu.jsonl
          tdxspec why KVM_CREATE_VCPU id=3 --after qemu.strace --release 6.18
          tdxspec why fallocate mode=KEEP_SIZE offset=0x0 len=0x1000 --after test.strace

        EXIT CODES
          0 it is told  1 a call of the trace is not explained  2 unusable input
        """)

    @Argument(help: "The call.")
    var call: [String]

    @Option(name: .long, help: ArgumentHelp("The trace.", valueName: "file"))
    var after: String

    @Option(
      name: .long,
      help: ArgumentHelp(
        "The kernel, \(TraceKernel.releases.joined(separator: ", ")).", valueName: "version"))
    var release: String?

    @OptionGroup var options: ProcessTraceOptions

    func run() throws {
      let checker = try ProcessTraceRunner.checker()
      let forecast: CallForecast
      do throws(TraceError) {
        forecast = try checker.forecast(
          call.joined(separator: " "), after: after, format: options.format, release: release)
      } catch {
        throw ValidationError(error.description)
      }
      let status: ExitStatus = forecast.refused == nil ? .success : .failure
      try Output.standard.write(options.json ? Self.events(forecast, status) : Self.text(forecast))
      if status != .success { throw CommandExit(status: status) }
    }

    private static func text(_ forecast: CallForecast) -> String {
      var out = ""
      if let refused = forecast.refused {
        out += "The trace is explained up to this call, before which the answer is:\n"
        out += RefusalText(refused).text
      }
      out += "\(forecast.call), by \(forecast.kernel.spec) (\(forecast.kernel.name))\n"
      for answer in forecast.answers {
        out += "answers \(answer.answer): \(answer.check)\n" + RefusalText.checks(answer.looked)
      }
      return out
    }

    private static func events(_ forecast: CallForecast, _ status: ExitStatus) -> String {
      let event = JSONValue.members([
        "event": "call-forecast", "call": .string(forecast.call),
        "spec": .string(forecast.kernel.spec), "kernel": .string(forecast.kernel.name),
        "refused_line": forecast.refused.map { .int($0.line) },
        "answers": .array(
          forecast.answers.map {
            .members([
              "answer": .string($0.answer), "decided_by": .string($0.check),
              "checks": RefusalText.checks($0.looked),
            ])
          }),
      ])
      let events = [Events.start("why", version: TDXSpec.version), event, Events.end(status)]
      return events.map { $0.text + "\n" }.joined()
    }
  }

  /// `tdxspec profile`.
  struct Profile: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says which edges of a spec a VMM depends on, and which kernels have them.",
      discussion: """
        An edge is a call with an answer and the check that gave it. For TDs there is one kernel, \
        the one that kvm/tdx is.

        EXAMPLES
          tdxspec profile qemu.strace
          tdxspec profile --json qemu.jsonl

        EXIT CODES
          0 a kernel explains the trace  1 none does  2 unusable input
          3 the trace ends within a line, or there is no answer
        """)

    @Argument(help: ArgumentHelp("The trace.", valueName: "file"))
    var file: String

    @OptionGroup var options: ProcessTraceOptions

    func run() throws {
      let checker = try ProcessTraceRunner.checker()
      let verdicts: [ReleaseVerdict]
      do throws(TraceError) {
        verdicts = try checker.profile(file: file, format: options.format)
      } catch {
        throw ValidationError(error.description)
      }
      let profile = TraceProfile(verdicts: verdicts)
      try Output.standard.write(
        options.json
          ? Events.start("profile", version: TDXSpec.version).text + "\n" + profile.events
            + Events.end(profile.status).text + "\n"
          : profile.text)
      if profile.status != .success { throw CommandExit(status: profile.status) }
    }
  }
}

/// Which edges a trace takes, and what each release does with it.
struct TraceProfile {
  let verdicts: [ReleaseVerdict]

  /// The edges by the first release that explains the trace, or as far as one does.
  private var edges: [(TraceEdge, Int)] {
    let found = verdicts.first { Self.conforms($0) } ?? verdicts.first
    return found?.verdict.edges.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } ?? []
  }

  private static func conforms(_ one: ReleaseVerdict) -> Bool {
    if case .conforms = one.verdict.outcome { true } else { false }
  }

  var status: ExitStatus {
    let reports = verdicts.map { ProcessTraceReport(verdict: $0.verdict, seconds: 0).status }
    let best: ExitStatus =
      reports.contains(.success) ? .success : reports.contains(.failure) ? .failure : .noAnswer
    return verdicts.contains { $0.verdict.torn != nil } ? best.combined(with: .noAnswer) : best
  }

  private static func what(_ one: ReleaseVerdict) -> (verdict: String, line: Int?) {
    switch one.verdict.outcome {
    case .conforms: ("explains the trace", nil)
    case .refused(let refusal):
      ("does not explain line \(refusal.line): \(refusal.call) = \(refusal.recorded)", refusal.line)
    case .stray(let stray): ("line \(stray.line) is on no known descriptor", stray.line)
    case .unanswered(let why): ("no answer: \(why)", nil)
    }
  }

  var text: String {
    var out = ""
    for (edge, count) in edges {
      out += "\(count)  \(edge.call) = \(edge.answer)  \(edge.check)\n"
    }
    out += "\n"
    for one in verdicts {
      out += "\(one.kernel.spec) (\(one.kernel.name)): \(Self.what(one).verdict)\n"
    }
    return out
  }

  var events: String {
    var events = edges.map { edge, count in
      JSONValue.members([
        "event": "trace-edge", "call": .string(edge.call), "answer": .string(edge.answer),
        "decided_by": .string(edge.check), "count": .int(count),
      ])
    }
    events += verdicts.map { one in
      .members([
        "event": "trace-release", "spec": .string(one.kernel.spec),
        "kernel": .string(one.kernel.name), "explains": .bool(Self.conforms(one)),
        "line": Self.what(one).line.map { .int($0) }, "message": .string(Self.what(one).verdict),
      ])
    }
    return events.map { $0.text + "\n" }.joined()
  }
}
