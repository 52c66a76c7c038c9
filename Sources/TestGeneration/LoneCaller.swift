import SpecLanguage
import SpecProgram

/// A state of a spec, packed.
typealias PackedState = [UInt64]

/// How a call of a caller who runs alone can go.
struct CallWays: Equatable {
  /// One end of a call: its answer, the last check that refused something, the state after it.
  struct End: Hashable {
    let outcome: SpecLanguage.Outcome
    let check: Int?
    let state: PackedState
  }

  var ends: Set<End> = []
  /// The steps that it takes, in one way or another.
  var steps: Set<Int> = []
  /// In some way it waits for somebody else, or has no end.
  var waits = false
}

/// Carries calls out to their end while nobody else does anything: every way that each can go.
///
/// Choices within a call are all taken. After a call the deferred actions run, which a system
/// carries out by itself, in every order until none changes anything.
final class LoneCaller<E: Engine> {
  let engine: E
  let inputs: [CallInput]
  let deferred: [CallInput]
  private let marker: TransitionMarker
  private let labels: LabelNumbers
  private let successors: UnsafeMutablePointer<UInt64>
  private let marks: UnsafeMutablePointer<UInt64>
  private let words: Int
  private let numbers: [BeginKey: Int]

  /// How a call begins: the procedure, who makes it, and with what.
  private struct BeginKey: Hashable {
    let procedure: Int
    let thread: Int?
    let arguments: ArraySlice<Int>
  }

  /// The labels that were met, by their marks.
  private final class LabelNumbers {
    var labels: [TransitionLabel] = []
    func number(_ label: TransitionLabel) -> UInt64 {
      labels.append(label)
      return UInt64(labels.count - 1)
    }
  }

  /// - Parameters:
  ///   - inputs: the calls that tests make.
  ///   - deferred: what happens by itself after each call.
  init(_ engine: E, _ inputs: [CallInput], deferred: [CallInput]) {
    self.engine = engine
    self.inputs = inputs
    self.deferred = deferred
    words = engine.layout.words
    let labels = LabelNumbers()
    self.labels = labels
    marker = TransitionMarker { labels.number($0) }
    successors = .allocate(capacity: engine.maxSuccessors * words)
    marks = .allocate(capacity: engine.maxSuccessors)
    var numbers: [BeginKey: Int] = [:]
    for (number, input) in (inputs + deferred).enumerated() {
      let key = BeginKey(
        procedure: input.procedure, thread: input.thread, arguments: input.arguments[...])
      numbers[key] = number
    }
    self.numbers = numbers
  }

  deinit {
    successors.deallocate()
    marks.deallocate()
  }

  /// The states that a test begins in: the initial one, once what is deferred has happened.
  func initialStates() throws(SpecError) -> Set<PackedState> {
    var state = PackedState(repeating: 0, count: words)
    state.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { engine.layout.pack(engine.program.initial, into: base) }
    }
    return try settle([state])
  }

  /// The state's cells, as the interpreter has them.
  func cells(_ state: PackedState) -> [Int] {
    state.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { engine.layout.unpack($0) } ?? []
    }
  }

  /// For each input how its call can go from the state; no ends and no waiting when the spec does
  /// not let it begin.
  ///
  /// - Throws: `TDX3xxx` when a step is not well defined.
  func ways(from state: PackedState) throws(SpecError) -> [CallWays] {
    var result = inputs.map { _ in CallWays() }
    for (input, begin) in try begins(from: state) where input < inputs.count {
      try follow(begin, inputs[input].thread, &result[input])
    }
    for input in inputs.indices {
      result[input].ends = try settled(result[input].ends)
    }
    return result
  }

  private func settled(_ ends: Set<CallWays.End>) throws(SpecError) -> Set<CallWays.End> {
    guard !deferred.isEmpty else { return ends }
    var result: Set<CallWays.End> = []
    for end in ends {
      for state in try settle([end.state]) {
        result.insert(.init(outcome: end.outcome, check: end.check, state: state))
      }
    }
    return result
  }

  /// Lets what is deferred happen, in every order, until nothing changes any more.
  func settle(_ states: Set<PackedState>) throws(SpecError) -> Set<PackedState> {
    guard !deferred.isEmpty else { return states }
    var seen = states
    var open = Array(states)
    var result: Set<PackedState> = []
    while let state = open.popLast() {
      var later: Set<PackedState> = []
      for (input, begin) in try begins(from: state) where input >= inputs.count {
        var ways = CallWays()
        try follow(begin, deferred[input - inputs.count].thread, &ways)
        later.formUnion(ways.ends.map(\.state))
      }
      later.remove(state)
      if later.isEmpty { result.insert(state) }
      for next in later where seen.insert(next).inserted { open.append(next) }
    }
    return result
  }

  /// A first step, or a later one, with the last check that refused something before it.
  struct Taken {
    let label: TransitionLabel
    let state: PackedState
  }

  func steps(from state: PackedState) throws(SpecError) -> [Taken] {
    let found: Int
    do {
      found = try state.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return 0 }
        return try engine.expand(base, into: successors, marks: marks, by: marker)
      }
    } catch let fault as EngineFault {
      throw fault.error
    } catch {
      throw SpecError("TDX3000", "\(error)")
    }
    return (0..<found).map { index in
      Taken(
        label: labels.labels[Int(marks[index])],
        state: Array(UnsafeBufferPointer(start: successors + index * words, count: words)))
    }
  }

  private func begins(from state: PackedState) throws(SpecError) -> [(Int, Taken)] {
    try steps(from: state).compactMap { taken in
      let label = taken.label
      guard label.thread == nil || label.source == 0 else { return nil }
      let count = engine.program.argumentCount(label)
      let key = BeginKey(
        procedure: label.procedure, thread: label.thread, arguments: label.choice.prefix(count))
      return numbers[key].map { ($0, taken) }
    }
  }

  /// Within a call: where it is, and what refused something before.
  private struct Place: Hashable {
    let state: PackedState
    let check: Int?
  }

  /// Follows a call from its first step to all its ends.
  private func follow(
    _ begin: Taken, _ thread: Int?, _ ways: inout CallWays
  ) throws(SpecError) {
    var open = [(begin, Int?.none)]
    var seen: Set<Place> = []
    while let (taken, before) = open.popLast() {
      ways.steps.insert(taken.label.node)
      let check = taken.label.refusedBy ?? before
      let outcome = taken.label.outcome.map { engine.program.outcomes[$0] }
      if thread == nil || outcome != nil {
        ways.ends.insert(.init(outcome: outcome ?? .ok, check: check, state: taken.state))
        continue
      }
      guard seen.insert(Place(state: taken.state, check: check)).inserted else {
        continue
      }
      let next = try steps(from: taken.state).filter {
        $0.label.thread == thread && $0.label.source != 0
      }
      if next.isEmpty { ways.waits = true }
      open += next.map { ($0, check) }
    }
    // Whatever never ends goes round in states that have been seen.
    if ways.ends.isEmpty { ways.waits = true }
  }
}
