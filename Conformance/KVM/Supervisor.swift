import CKVM
import ConformanceKit
import Glibc

/// Answers the requests of a tool (docs/backend-protocol.md), each test in a process of its own.
public struct Supervisor: ~Copyable {
  private let options: RunnerOptions
  private let standIn: StandIn?
  private let log: KernelLog?
  private let known: KnownCalls
  private var input: LineReader
  private let output: LineWriter
  private var worker: WorkerProcess?
  /// What is wrong with the test's process, besides what the kernel says.
  private var remarks: [String] = []
  private var usesStandIn = false

  /// - Parameters:
  ///   - input: where requests come from; it is closed in the end.
  ///   - output: where replies go.
  public init(_ options: RunnerOptions, input: Int32, output: Int32) {
    self.init(options, KnownCalls(), input: input, output: output)
  }

  init(_ options: RunnerOptions, _ known: KnownCalls, input: Int32, output: Int32) {
    self.options = options
    self.known = known
    standIn = StandIn()
    log = KernelLog()
    self.input = LineReader(owning: input)
    self.output = LineWriter(output)
    standIn?.restore()
  }

  /// Answers until there are no more requests, or none came for too long.
  public mutating func serve() {
    while true {
      let line: [UInt8]
      do throws(LineReader.Silence) {
        line = try input.line(within: options.idleLimit)
      } catch {
        break
      }
      guard output.write(reply(line)) else { break }
    }
    endWorker()
  }

  // MARK: Requests

  private mutating func reply(_ line: [UInt8]) -> [UInt8] {
    let request: RunnerRequest
    do throws(FormatError) {
      request = try RunnerRequest.read(line)
    } catch {
      let id = (try? StrictJSON.decode(RequestNumber.self, from: line))?.id ?? 0
      return Self.line(RunnerReply(id, BackendError(.unknownCall, "\(error)")))
    }
    do throws(BackendError) {
      return try reply(request, line)
    } catch {
      return Self.line(RunnerReply(request.id, error))
    }
  }

  private mutating func reply(
    _ request: RunnerRequest, _ line: [UInt8]
  ) throws(BackendError) -> [UInt8] {
    var reply = RunnerReply(request.id)
    switch request.verb {
    case .probe: reply.profile = try HostProbe(options, hasLog: log != nil).profile()
    case .reset: try reset()
    case .conclude: reply.complaints = conclude()
    case .perform:
      let name = try known.call(of: request).name
      guard name == "exit" else {
        if name.hasPrefix("standin_") { usesStandIn = true }
        return try pass(line, request)
      }
      reply.result = leave()
      // Later calls find none of the names.
      worker = try WorkerProcess(options, known)
    case .race where !options.ownsKernel:
      throw BackendError(.unknownCall, "races are not tried on a kernel that others use")
    case .race, .observe: return try pass(line, request)
    }
    return Self.line(reply)
  }

  /// A reply that cannot be written is one without anything in it, which the tool refuses.
  private static func line(_ reply: RunnerReply) -> [UInt8] {
    (try? reply.line()) ?? [UInt8(ascii: "\n")]
  }

  private mutating func reset() throws(BackendError) {
    endWorker()
    // Children of what was ended, where this process is the first of all.
    if getpid() == 1 { while waitpid(-1, nil, WNOHANG) > 0 {} }
    if usesStandIn { standIn?.restore() }
    usesStandIn = false
    remarks = []
    if options.ownsKernel { rearmWarnings() }
    log?.skip()
    worker = try WorkerProcess(options, known)
  }

  /// Warnings that the kernel gives once are given once for each test.
  private func rearmWarnings() {
    guard let file = Descriptor(path: "/sys/kernel/debug/clear_warn_once", flags: O_WRONLY) else {
      return
    }
    LineWriter(file.number).write(Array("1\n".utf8))
  }

  private mutating func endWorker() {
    guard let worker = worker.take() else { return }
    if worker.end() == .never { remarks.append(Self.neverEnds) }
  }

  private static let neverEnds = "the process of the test does not end"

  /// The call `exit`: the process ends, and what it held goes.
  private mutating func leave() -> CallResult {
    standIn?.clearLog()
    endWorker()
    var result = CallResult(.ok(0))
    if let standIn { result.written[SeamcallList.name] = standIn.seamcalls.value }
    return result
  }

  private mutating func conclude() -> [String] {
    endWorker()
    return (log?.complaints() ?? []) + remarks
  }

  /// Has the test's process answer.
  private mutating func pass(
    _ line: [UInt8], _ request: RunnerRequest
  ) throws(BackendError) -> [UInt8] {
    guard var current = worker.take() else {
      throw BackendError(.lost, "the test's process has ended; a reset starts one")
    }
    let silence: LineReader.Silence
    do throws(LineReader.Silence) {
      let answer = try current.ask(line, within: options.callLimit)
      worker = consume current
      return answer
    } catch {
      silence = error
    }
    return Self.line(try reply(request, to: silence, of: current))
  }

  /// What it means that the test's process did not answer.
  private mutating func reply(
    _ request: RunnerRequest, to silence: LineReader.Silence, of current: consuming WorkerProcess
  ) throws(BackendError) -> RunnerReply {
    var reply = RunnerReply(request.id)
    switch silence {
    case .tooSlow:
      if current.end() == .never { remarks.append(Self.neverEnds) }
      guard request.verb == .perform else {
        throw BackendError(.lost, "the test's process did not answer in time")
      }
      reply.result = CallResult(.timeout)
    case .ended:
      let ending = current.awaitEnd()
      guard request.verb == .perform, case .signal(let number) = ending else {
        throw BackendError(.lost, "the test's process ended: \(ending)")
      }
      reply.result = CallResult(.signal(number))
    case .tooLong:
      _ = current.end()
      throw BackendError(.lost, "the test's process said too much")
    }
    return reply
  }
}
