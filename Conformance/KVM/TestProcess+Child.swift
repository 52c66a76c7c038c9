import CKVM
import ConformanceKit
import Glibc

extension TestProcess {
  /// A child with copies of everything makes the call and ends.
  func performInChild(_ given: CallArguments) throws(BackendError) -> CallResult {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw BackendError(.lost, "there is no pipe for a child") }
    // A descriptor that the call makes would take the place of the pipe's in the child only.
    let child = ckvm_fork()
    guard child >= 0 else { throw BackendError(.lost, "a child cannot be made") }
    if child == 0 {
      Glibc.close(ends[0])
      answer(given, to: ends[1])
      ckvm_leave(0)
    }
    Glibc.close(ends[1])
    var reader = LineReader(owning: ends[0])
    let line = try? reader.line(within: -1)
    let status = ckvm_wait(child, -1)
    guard let line else {
      let signal = status & 0x7f
      guard status >= 0, signal != 0 else { throw BackendError(.lost, "a child said nothing") }
      return CallResult(.signal(signal))
    }
    guard let reply = try? StrictJSON.decode(ChildAnswer.self, from: line) else {
      throw BackendError(.lost, "a child said something unknown")
    }
    if let problem = reply.problem { throw BackendError(.unknownCall, problem) }
    guard let outcome = reply.outcome else { throw BackendError(.lost, "a child said nothing") }
    return CallResult(outcome, written: reply.written)
  }

  private func answer(_ given: CallArguments, to number: Int32) {
    let answer: ChildAnswer
    do throws(BackendError) {
      answer = ChildAnswer(try dispatch(given))
    } catch {
      answer = ChildAnswer(problem: error.message)
    }
    guard let line = try? StrictJSON.line(answer) else { return }
    LineWriter(number).write(line)
  }
}

/// What a child made of its call.
private struct ChildAnswer: Codable {
  var outcome: Outcome?
  var written: [String: Value] = [:]
  var problem: String?

  init(_ result: CallResult) {
    outcome = result.outcome
    written = result.written
  }

  init(problem: String) { self.problem = problem }
}
