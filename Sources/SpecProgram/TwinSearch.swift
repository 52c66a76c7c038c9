import SpecLanguage

/// Finds the nearest passing twin of a counterexample.
///
/// Tries every piece of what one actor does in a row, moved earlier or later among the steps of
/// others, and every call left out but the one that breaks the property; those that touch the
/// fewest steps first. A change passes when every call can go on as far as in the counterexample,
/// by whatever branches it then takes, to its end in the end, and no state on the way breaks the
/// property, nor is the last one a deadlock. Calls that still wait for others may do so.
public struct TwinSearch {
  private let program: Program
  private let property: ResolvedProperty
  private let replay: CallReplay
  private let interpreter: Interpreter
  /// How many steps all tries may take together.
  private let maxSteps: Int

  private var trace: Trace { replay.trace }

  public init(
    _ program: Program, _ property: ResolvedProperty, _ trace: Trace, maxSteps: Int = 100_000
  ) {
    self.program = program
    self.property = property
    self.maxSteps = maxSteps
    replay = CallReplay(program, trace)
    interpreter = Interpreter(program)
  }

  /// Takes steps in proportion to the cube of the trace's length, at most.
  public func find() -> TwinAnswer {
    var taken = 0
    for (number, change) in changes.enumerated() {
      if taken > maxSteps { return .open(tried: number) }
      if let run = attempt(change, &taken) { return .found(twin(change, run)) }
    }
    return .none
  }

  // MARK: Changes

  /// All changes, the nearest first.
  private var changes: [Twin.Change] {
    let all = (moves + drops).enumerated().map { (rank: $1.rank + [$0], change: $1) }
    return all.sorted { $0.rank.lexicographicallyPrecedes($1.rank) }.map(\.change)
  }

  /// The runs of steps by one actor, as long as they can be.
  private var blocks: [Range<Int>] {
    var result: [Range<Int>] = []
    for (number, step) in trace.steps.enumerated() {
      if number > 0, !step.label.isSwitch(after: trace.steps[number - 1].label) {
        result[result.count - 1] = result[result.count - 1].lowerBound..<number + 1
      } else {
        result.append(number..<number + 1)
      }
    }
    return result
  }

  private var moves: [Twin.Change] {
    var result: [Twin.Change] = []
    for block in blocks {
      let thread = trace.steps[block.lowerBound].label.thread
      let isOwn = { (number: Int) -> Bool in
        thread != nil && trace.steps[number].label.thread == thread
      }
      let before = (0..<block.lowerBound).last(where: isOwn).map { $0 + 1 } ?? 0
      let after =
        (block.upperBound..<trace.steps.count).first(where: isOwn) ?? trace.steps.count
      for count in 1...block.count {
        let first = block.lowerBound..<block.lowerBound + count
        for place in before..<block.lowerBound {
          result.append(.earlier(steps: first, before: place))
        }
        let last = block.upperBound - count..<block.upperBound
        for place in block.upperBound..<after {
          result.append(.later(steps: last, after: place))
        }
      }
    }
    return result
  }

  private var drops: [Twin.Change] {
    replay.calls.filter { $0.steps.last != trace.steps.count - 1 }.map { .without(steps: $0.steps) }
  }

  // MARK: Tries

  /// A run with the change; `nil` when it cannot be carried out or breaks the property.
  private func attempt(_ change: Twin.Change, _ taken: inout Int) -> CallReplay.Run? {
    let order = change.order(of: trace.steps.count)
    let same = zip(order, order.indices).prefix { $0 == $1 }.count
    var run = replay.beginning(before: same)
    do {
      for number in order[same...] {
        let before = run.steps.count
        let goesOn = try replay.take(number, &run)
        taken += 1 + run.steps.count - before
        guard goesOn, try passes(run, from: before) else { return nil }
      }
      var whole = run
      guard try replay.finishAll(&whole) else { return nil }
      taken += whole.steps.count - run.steps.count
      guard try passes(whole, from: run.steps.count), try !replay.isStuck(whole) else {
        return nil
      }
      whole.counterparts = run.steps.count
      return whole
    } catch {
      // A step that is not well defined is no pass.
      return nil
    }
  }

  private func passes(_ run: CallReplay.Run, from first: Int) throws(SpecError) -> Bool {
    for step in run.steps[first...] {
      guard try interpreter.holds(property, in: step.state) else { return false }
    }
    return true
  }

  // MARK: The answer

  private func twin(_ change: Twin.Change, _ run: CallReplay.Run) -> Twin {
    let whole = Trace(initial: trace.initial, steps: run.steps)
    let differing = run.places.sorted { $0.value < $1.value }.first { own, other in
      !isSame(own, in: trace, as: other, in: whole)
    }
    let far = run.counterparts == 0 ? trace.initial : run.steps[run.counterparts - 1].state
    return Twin(
      change: change, trace: whole, counterparts: run.counterparts,
      difference: differing.map { Twin.Difference(step: $0.key, twinStep: $0.value) },
      cells: program.changes(from: trace.last, to: far))
  }

  private func isSame(_ own: Int, in trace: Trace, as other: Int, in twin: Trace) -> Bool {
    let (a, b) = (trace.steps[own].label, twin.steps[other].label)
    return a.node == b.node && a.choice == b.choice && a.refusedBy == b.refusedBy
      && a.outcome == b.outcome && changes(trace, own) == changes(twin, other)
  }

  private func changes(_ trace: Trace, _ number: Int) -> [CellChange] {
    let before = number == 0 ? trace.initial : trace.steps[number - 1].state
    return program.changes(from: before, to: trace.steps[number].state)
  }
}

extension Twin.Change {
  /// Fewer steps touched first, then shorter ways, then earlier before later before left out.
  fileprivate var rank: [Int] {
    switch self {
    case .earlier(let steps, let before): [steps.count, 0, steps.lowerBound - before, 0]
    case .later(let steps, let after): [steps.count, 0, after + 1 - steps.upperBound, 1]
    case .without(let steps): [steps.count, 1, 0, 2]
    }
  }

  /// The numbers of a trace's steps in the new order.
  fileprivate func order(of count: Int) -> [Int] {
    switch self {
    case .earlier(let steps, let before):
      Array(0..<before) + Array(steps) + Array(before..<steps.lowerBound)
        + Array(steps.upperBound..<count)
    case .later(let steps, let after):
      Array(0..<steps.lowerBound) + Array(steps.upperBound...after) + Array(steps)
        + Array(after + 1..<count)
    case .without(let steps):
      (0..<count).filter { !steps.contains($0) }
    }
  }
}
