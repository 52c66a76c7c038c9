import SpecLanguage
import SpecProgram
import Verdicts

/// A run call by call: a line for each piece of a call that nobody comes in between of.
public struct RunSummary {
  /// Neighbouring steps of one thread in one call.
  public struct Piece: Hashable, Sendable {
    /// `nil` for an event without a thread.
    public let thread: Int?
    /// With its arguments.
    public let call: String
    public let begins: Bool
    public fileprivate(set) var steps: Int
    /// The answer, when the call ends here.
    public fileprivate(set) var answer: String?
  }

  public let pieces: [Piece]

  public init(_ program: Program, _ trace: Trace) {
    var pieces: [Piece] = []
    for line in TraceText(program, trace).lines {
      if let last = pieces.last, last.thread == line.thread, line.thread != nil, !line.begins {
        pieces[pieces.count - 1].steps += 1
        pieces[pieces.count - 1].answer = line.outcome
      } else {
        pieces.append(
          Piece(
            thread: line.thread, call: line.call, begins: line.begins, steps: 1,
            answer: line.outcome))
      }
    }
    self.pieces = pieces
  }

  /// The pieces as lines of a code block.
  public var lines: [String] {
    pieces.flatMap { piece in
      let who = piece.thread.map { "    t\($0)  " } ?? "    --  "
      let steps = "\(piece.steps) step\(piece.steps == 1 ? "" : "s")"
      let isGoingOn = !piece.begins && piece.thread != nil
      let head = "\(isGoingOn ? "… " : "")\(piece.call)"
      let answer = piece.answer.map { ", answers \($0)" } ?? ""
      // That an event happened says that it succeeded.
      let event = piece.answer == Outcome.ok.text ? "" : answer.dropFirst(2)
      let does = piece.thread == nil ? event : "\(steps)\(answer)"
      return WrappedText.lines(
        does.isEmpty ? head : "\(head): \(does)", first: who, rest: "          ")
    }
  }
}
