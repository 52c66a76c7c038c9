import SpecLanguage

@testable import SpecProgram

/// Compares the guard table with the interpreter, state by state: transitions in their order,
/// mistakes with their places, and the values of claims.
final class EngineComparison {
  let program: Program
  let ground: GroundProgram
  let table: GuardTable
  private let monitors: [Monitor]
  private let interpreter: Interpreter
  private let packed: UnsafeMutablePointer<UInt64>
  private let successors: UnsafeMutablePointer<UInt64>
  private let counts: UnsafeMutablePointer<Int32>
  private(set) var transitions = 0
  private(set) var faults = 0
  /// Every state found, in the order of a breadth-first search.
  private(set) var found: [[Int]] = []
  var states: Int { found.count }

  /// - Parameter fault: a mistake that the table shall make.
  init(_ program: Program, fault: GuardTableFault? = nil) throws {
    self.program = program
    interpreter = Interpreter(program)
    ground = try GroundProgram(program)
    monitors = program.properties.map(Monitor.decisive)
    table = try GuardTable(ground, monitors: monitors, fault: fault)
    packed = .allocate(capacity: table.layout.words)
    successors = .allocate(capacity: table.layout.words * max(1, table.maxSuccessors))
    counts = .allocate(capacity: 1)
  }

  deinit {
    packed.deallocate()
    successors.deallocate()
    counts.deallocate()
  }

  /// What the table makes of a state; an error is one of the step that is not well defined.
  private func expand(_ state: [Int]) throws(EngineFault) -> [Transition] {
    table.layout.pack(state, into: packed)
    let found = try table.expand(packed, 1, into: successors, counts: counts)
    let labels = try table.labels(of: packed)
    return (0..<found).map {
      Transition(
        state: table.layout.unpack(successors + $0 * table.layout.words), label: labels[$0],
        passed: [])
    }
  }

  /// The first disagreement on a reachable state, in words.
  ///
  /// - Parameter limit: stops quietly after so many states.
  func firstDifference(limit: Int = .max) -> String? {
    var seen: Set<[Int]> = [program.initial]
    found = [program.initial]
    var head = 0
    while head < found.count, head < limit {
      let state = found[head]
      head += 1
      if let text = difference(in: state) { return text }
      // A state with a mistake has no successors to go on with.
      for transition in (try? interpreter.transitions(from: state)) ?? []
      where seen.insert(transition.state).inserted {
        found.append(transition.state)
      }
    }
    return nil
  }

  /// How the two differ on a state, in words; `nil` when they agree.
  func difference(in state: [Int]) -> String? {
    do {
      // The table does not tell which checks a step passed.
      let slow = try interpreter.transitions(from: state).map {
        Transition(state: $0.state, label: $0.label, passed: [])
      }
      let fast = try expand(state)
      if slow.count > program.maxSuccessors {
        return "\(slow.count) successors, at most \(program.maxSuccessors) were promised"
      }
      if slow != fast { return difference(state, slow, fast) }
      transitions += slow.count
    } catch {
      if let text = unequalFaults(state) { return text }
      faults += 1
    }
    return unequalValues(state)
  }

  private func unequalFaults(_ state: [Int]) -> String? {
    var slow: SpecError?
    var fast: SpecError?
    do { _ = try interpreter.transitions(from: state) } catch { slow = error }
    do { _ = try expand(state) } catch { fast = error.error }
    if slow?.code == fast?.code, slow?.location == fast?.location { return nil }
    return """
      in \(words(state)): the interpreter says \(String(describing: slow)), \
      the table \(String(describing: fast))
      """
  }

  private func unequalValues(_ state: [Int]) -> String? {
    table.layout.pack(state, into: packed)
    var seen: UInt64 = 0
    do {
      _ = try table.observe(packed, 1, active: ~0, into: &seen)
      for (index, monitor) in monitors.enumerated() {
        let slow = try interpreter.truth(of: monitor.term, monitor.registers, in: state)
        let fast = seen >> UInt64(index) & 1 == 1
        guard slow != fast else { continue }
        let id = program.properties[index].property.id
        return "in \(words(state)): \(id) fails: the interpreter says \(slow), the table \(fast)"
      }
      return nil
    } catch {
      return "in \(words(state)): a claim has no value: \(error)"
    }
  }

  private func difference(
    _ state: [Int], _ slow: [Transition], _ fast: [Transition]
  ) -> String {
    var text = "in \(words(state)):"
    for (name, one, other) in [("interpreter", slow, fast), ("table", fast, slow)] {
      for transition in one where !other.contains(transition) {
        let label = transition.label
        text += "\nonly the \(name): \(program.procedures[label.procedure].action.name) "
        text += "\(label.choice) \(program.stepName(label)) -> \(words(transition.state, state))"
        text += " \(label)"
      }
    }
    if Set(slow) == Set(fast) { text += " the same transitions in another order" }
    return text
  }

  /// The cells that differ from another state, or are not as they were initially.
  func words(_ state: [Int], _ other: [Int]? = nil) -> String {
    let other = other ?? program.initial
    let changed = state.indices.filter { state[$0] != other[$0] }
    return changed.map { "\(program.cells[$0].name)=\(state[$0] + program.cells[$0].low)" }
      .joined(separator: " ")
  }
}
