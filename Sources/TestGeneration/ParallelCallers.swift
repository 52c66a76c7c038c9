import SpecLanguage
import SpecProgram

/// Carries out calls of two threads with their steps in every order.
///
/// What is deferred may happen whenever one of the two is between calls; at the end all of it has.
/// That allows at least every order that a kernel has, which lets a thread do what it deferred
/// before it returns to user space.
final class ParallelCallers<E: Engine> {
  /// One way that all calls can end.
  struct End: Hashable {
    /// Of the first thread's calls, then of the second's.
    let outcomes: [[SpecLanguage.Outcome]]
    let state: PackedState
  }

  private let caller: LoneCaller<E>
  /// How many states are looked at for one pair of sequences.
  private let mostStates: Int

  init(_ caller: LoneCaller<E>, mostStates: Int) {
    self.caller = caller
    self.mostStates = mostStates
  }

  /// Where the two are.
  private struct Node: Hashable {
    let state: PackedState
    /// For each thread: which call comes next, or is being made.
    let next: [Int]
    let doing: [Doing]
    let outcomes: [[SpecLanguage.Outcome]]
  }

  /// What a thread is about.
  private enum Doing {
    case nothing
    case call
    case deferredWork
  }

  /// Who makes which calls.
  private struct Cast {
    let threads: [Int]
    let calls: [[Int]]
  }

  /// Every way that the calls can end from the state; nil when one of them cannot begin, may wait
  /// for ever, or when there are too many ways.
  ///
  /// - Parameters:
  ///   - first: inputs of one thread, in order.
  ///   - second: those of another thread.
  func ends(
    from state: PackedState, _ first: [Int], _ second: [Int]
  ) throws(SpecError) -> Set<End>? {
    guard let cast = try cast(state, first, second) else { return nil }
    let start = Node(
      state: state, next: [0, 0], doing: [.nothing, .nothing], outcomes: [[], []])
    var open = [start]
    var seen: Set<Node> = [start]
    var ends: Set<End> = []
    while let node = open.popLast() {
      let isDone = cast.calls.indices.allSatisfy {
        node.next[$0] == cast.calls[$0].count && node.doing[$0] == .nothing
      }
      if isDone {
        for settled in try caller.settle([node.state]) {
          ends.insert(End(outcomes: node.outcomes, state: settled))
        }
        continue
      }
      let later = try successors(node, cast)
      // Somebody waits for somebody who does not come.
      if later.isEmpty { return nil }
      for next in later where seen.insert(next).inserted { open.append(next) }
      if seen.count > mostStates { return nil }
    }
    return ends
  }

  /// The first thread makes the first calls; another one of which the spec says the same makes the
  /// others.
  private func cast(
    _ state: PackedState, _ first: [Int], _ second: [Int]
  ) throws(SpecError) -> Cast? {
    guard let call = first.first.map({ caller.inputs[$0] }),
      let other = second.first.map({ caller.inputs[$0] }), let thread = call.thread
    else { return nil }
    for taken in try caller.steps(from: state) where taken.label.source == 0 {
      guard let number = taken.label.thread, number != thread, begins(taken.label, other)
      else { continue }
      return Cast(threads: [thread, number], calls: [first, second])
    }
    return nil
  }

  private func begins(_ label: TransitionLabel, _ input: CallInput) -> Bool {
    label.source == 0 && label.procedure == input.procedure
      && label.choice.starts(with: input.arguments)
  }

  private func successors(_ node: Node, _ cast: Cast) throws(SpecError) -> [Node] {
    var result: [Node] = []
    for taken in try caller.steps(from: node.state) {
      guard let thread = taken.label.thread, let who = cast.threads.firstIndex(of: thread) else {
        continue
      }
      guard let step = step(taken, who, node, cast) else { continue }
      result.append(step)
    }
    return result
  }

  private func step(
    _ taken: LoneCaller<E>.Taken, _ who: Int, _ node: Node, _ cast: Cast
  ) -> Node? {
    let label = taken.label
    let calls = cast.calls[who]
    var next = node.next
    var doing = node.doing
    var outcomes = node.outcomes
    if label.source == 0 {
      if next[who] < calls.count, begins(label, caller.inputs[calls[next[who]]]) {
        doing[who] = .call
      } else {
        guard caller.deferred.contains(where: { begins(label, $0) }) else { return nil }
        doing[who] = .deferredWork
      }
    }
    if let outcome = label.outcome {
      if doing[who] == .call {
        outcomes[who].append(caller.engine.program.outcomes[outcome])
        next[who] += 1
      }
      doing[who] = .nothing
    }
    return Node(state: taken.state, next: next, doing: doing, outcomes: outcomes)
  }
}
