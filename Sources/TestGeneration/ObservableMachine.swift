import ConformanceKit
import SpecLanguage

/// What a spec shows to one caller who waits for each call's answer.
///
/// A state is what a sequence of completed calls and their answers leads to. Every state and input
/// has a cell: the answer, or the answers that are allowed, or why nothing can be expected.
public struct ObservableMachine: Sendable {
  /// What is known of a call in a state.
  public enum Cell: Hashable, Sendable {
    /// The call gives this answer and leads there.
    case goes(answer: Int, to: Int)
    /// Each of these answers is allowed; each leads to its own state. At least two.
    case differs([Branch])
    /// Nothing is expected.
    case open(Reason)
  }

  /// One of several answers.
  public struct Branch: Hashable, Sendable {
    public let answer: Int
    public let to: Int
  }

  /// Why a test cannot expect anything of a call.
  public enum Reason: String, Hashable, Sendable, CaseIterable {
    /// The spec does not let the call happen: what it requires is not there.
    case cannotBegin = "the spec does not let it begin"
    /// The state is one of several, and only in some the call can happen.
    case mayNotBegin = "whether it can begin depends on a choice that cannot be seen"
    /// It waits for somebody else.
    case waits = "it waits for another thread, or has no end"
  }

  public internal(set) var inputs: [CallInput]
  /// How many more inputs there are that can begin in no state.
  public internal(set) var idleInputs = 0
  public let answers: [SeenAnswer]
  public internal(set) var stateCount: Int
  /// By state and input, row by row; the initial state is 0.
  public internal(set) var cells: [Cell]

  /// By state and input: the last check that refused something in one way that the call can go,
  /// as an index into the program's checks, or -1.
  var refusals: [Int32]

  func refusal(_ state: Int, _ input: Int) -> Int { Int(refusals[state * inputs.count + input]) }

  public func cell(_ state: Int, _ input: Int) -> Cell { cells[state * inputs.count + input] }

  /// How many cells there are of each kind, in words.
  public var census: [(kind: String, count: Int)] {
    var counts: [String: Int] = [:]
    for cell in cells { counts[kind(cell), default: 0] += 1 }
    let order =
      ["success", "errno or status", "one of several answers"] + Reason.allCases.map(\.rawValue)
    return order.compactMap { kind in counts[kind].map { (kind, $0) } }
  }

  private func kind(_ cell: Cell) -> String {
    switch cell {
    case .goes(let answer, _):
      answers[answer].outcome.kind == .success ? "success" : "errno or status"
    case .differs: "one of several answers"
    case .open(let reason): reason.rawValue
    }
  }
}

extension ObservableMachine {
  /// The machine without inputs that can begin in no state.
  func withoutIdleInputs() -> ObservableMachine {
    let used = inputs.indices.filter { input in
      (0..<stateCount).contains { cell($0, input) != .open(.cannotBegin) }
    }
    var result = self
    result.inputs = used.map { inputs[$0] }
    result.idleInputs = inputs.count - used.count
    result.cells = (0..<stateCount).flatMap { state in used.map { cell(state, $0) } }
    result.refusals = (0..<stateCount).flatMap { state in
      used.map { Int32(refusal(state, $0)) }
    }
    return result
  }

  /// The machine in which states that no sequence of calls tells apart are one: the coarsest
  /// partition that is stable under every input, found by refinement. What is open counts as a
  /// difference, so that a state never gets expectations that it does not have.
  ///
  /// Time: states × inputs × the length of the longest sequence that is needed.
  public func minimised() -> ObservableMachine {
    var classes = [Int](repeating: 0, count: stateCount)
    var count = 1
    while true {
      var numbers: [[Int]: Int] = [:]
      var next = classes
      for state in 0..<stateCount {
        var signature = [classes[state]]
        for input in inputs.indices { append(cell(state, input), classes, &signature) }
        next[state] = numbers[signature, default: numbers.count]
        numbers[signature] = next[state]
      }
      classes = next
      if numbers.count == count { return merged(classes, count) }
      count = numbers.count
    }
  }

  private func append(_ cell: Cell, _ classes: [Int], _ signature: inout [Int]) {
    switch cell {
    case .goes(let answer, let to): signature += [0, answer, classes[to]]
    case .differs(let branches):
      signature += [1, branches.count]
      for branch in branches { signature += [branch.answer, classes[branch.to]] }
    case .open(let reason): signature += [2, Reason.allCases.firstIndex(of: reason) ?? 0]
    }
  }

  /// The classes in the order of their first states, which is breadth first.
  private func merged(_ classes: [Int], _ count: Int) -> ObservableMachine {
    var result = self
    result.stateCount = count
    result.cells = []
    result.refusals = []
    var done = 0
    for state in 0..<stateCount where classes[state] == done {
      for input in inputs.indices {
        result.refusals.append(Int32(refusal(state, input)))
        switch cell(state, input) {
        case .goes(let answer, let to):
          result.cells.append(.goes(answer: answer, to: classes[to]))
        case .differs(let branches):
          result.cells.append(
            .differs(branches.map { Branch(answer: $0.answer, to: classes[$0.to]) }))
        case .open(let reason): result.cells.append(.open(reason))
        }
      }
      done += 1
    }
    return result
  }

  /// What tells this machine from another: a hash of every cell (64-bit FNV-1a), in hexadecimal.
  public var fingerprint: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ text: String) {
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      hash = (hash ^ 0xff) &* 0x100_0000_01b3
    }
    for input in inputs { add(input.call.description) }
    for answer in answers { add(answer.text) }
    for cell in cells {
      switch cell {
      case .goes(let answer, let to): add("\(answer)>\(to)")
      case .differs(let branches):
        add(branches.map { "\($0.answer)>\($0.to)" }.joined(separator: "|"))
      case .open(let reason): add(reason.rawValue)
      }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
