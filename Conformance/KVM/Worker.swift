import CKVM
import ConformanceKit
import Glibc

/// The end of a test's process that answers requests.
struct Worker: ~Copyable {
  private let process: TestProcess
  private let plan: RacePlan
  private let raceLimit: Int
  private let known: KnownCalls
  private var input: LineReader
  private let output: LineWriter

  init(
    _ process: TestProcess, plan: RacePlan, raceLimit: Int, known: KnownCalls, socket: Int32
  ) {
    self.process = process
    self.plan = plan
    self.raceLimit = raceLimit
    self.known = known
    input = LineReader(owning: socket)
    output = LineWriter(socket)
  }

  /// Answers until there are no more requests.
  mutating func serve() {
    while let line = try? input.line(within: -1) {
      guard let request = try? RunnerRequest.read(line) else { return }
      guard let reply = try? answer(request).line(), output.write(reply) else { return }
    }
  }

  private func answer(_ request: RunnerRequest) -> RunnerReply {
    var reply = RunnerReply(request.id)
    do throws(BackendError) {
      switch request.verb {
      case .perform:
        reply.result = try process.perform(try known.call(of: request))
      case .race:
        guard let attempt = request.attempt else { throw KnownCalls.incomplete("attempt") }
        reply.results = try process.race(
          try known.threads(of: request), plan: plan, attempt: attempt, limit: raceLimit)
      case .observe: reply.observations = process.observe()
      case .probe, .reset, .conclude: break
      }
    } catch {
      return RunnerReply(request.id, error)
    }
    return reply
  }
}
