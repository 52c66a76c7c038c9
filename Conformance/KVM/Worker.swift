import CKVM
import ConformanceKit
import Glibc

/// The end of a test's process that answers requests.
struct Worker: ~Copyable {
  private let process: TestProcess
  private let plan: RacePlan
  private let raceLimit: Int
  private var input: LineReader
  private let output: LineWriter

  init(
    _ process: TestProcess, plan: RacePlan, raceLimit: Int, socket: Int32
  ) {
    self.process = process
    self.plan = plan
    self.raceLimit = raceLimit
    input = LineReader(owning: socket)
    output = LineWriter(socket)
  }

  /// Answers until there are no more requests.
  mutating func serve() {
    while let line = try? input.line(within: -1) {
      guard let request = try? StrictJSON.decode(RunnerRequest.self, from: line) else { return }
      guard let reply = try? StrictJSON.line(answer(request)), output.write(reply) else { return }
    }
  }

  private func answer(_ request: RunnerRequest) -> RunnerReply {
    var reply = RunnerReply(request.id)
    do throws(BackendError) {
      switch request.verb {
      case .perform:
        guard let call = request.call else { throw Self.incomplete("call") }
        reply.result = try process.perform(call)
      case .race:
        guard let threads = request.threads, let attempt = request.attempt else {
          throw Self.incomplete("threads and attempt")
        }
        reply.results = try process.race(
          threads, plan: plan, attempt: attempt, limit: raceLimit)
      case .observe: reply.observations = process.observe()
      case .probe, .reset, .conclude: break
      }
    } catch {
      return RunnerReply(request.id, error)
    }
    return reply
  }

  static func incomplete(_ members: String) -> BackendError {
    BackendError(.unknownCall, "the request has no \(members)")
  }
}
