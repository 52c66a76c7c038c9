import SpecLanguage
import SpecProgram

/// A step by names: where the thread stands and what it does from there.
struct StepKey: Hashable {
  /// `nil` for a call that starts here.
  let source: StepPlace?
  let step: StepPlace

  var text: String {
    let inner = step.path.dropFirst().joined(separator: " / ")
    let what = inner.isEmpty || step.label == inner ? step.label : "\(inner): \(step.label)"
    return step.occurrence == 0 ? what : "\(what) (\(step.occurrence + 1))"
  }
}

/// Who takes a step, with which elements, and how it goes.
struct StepCase: Hashable {
  let thread: Int?
  let choice: [Int]
  /// The answer of the check that refuses; `nil` when the step is taken.
  let refusal: String?
}

/// A spec's unrolled steps by name.
struct Steps {
  let ground: GroundProgram
  /// In the spec's order.
  let keys: [StepKey]
  private let rules: [StepKey: [GroundRule]]

  init(_ ground: GroundProgram) {
    self.ground = ground
    let places = ground.program.places
    var keys: [StepKey] = []
    var rules: [StepKey: [GroundRule]] = [:]
    for rule in ground.rules where rule.fault == nil {
      let key = Self.key(rule.label, places, ground.program)
      if rules[key] == nil { keys.append(key) }
      rules[key, default: []].append(rule)
    }
    self.keys = keys
    self.rules = rules
  }

  private static func key(
    _ label: TransitionLabel, _ places: [StepPlace?], _ program: Program
  ) -> StepKey {
    StepKey(
      source: label.source == 0 ? nil : places[label.source],
      step: program.place(label.procedure, label.node))
  }

  private func stepCase(_ label: TransitionLabel) -> StepCase {
    StepCase(
      thread: label.thread, choice: label.choice,
      refusal: label.refusedBy.map { ground.program.checks[$0].outcome.text })
  }

  func cases(_ key: StepKey) -> Set<StepCase> {
    Set((rules[key] ?? []).map { stepCase($0.label) })
  }

  func formula(_ key: StepKey, _ one: StepCase) -> Formula {
    .disjunction(
      (rules[key] ?? []).filter { stepCase($0.label) == one }.map(\.guardFormula))
  }

  func location(of key: StepKey) -> SourceLocation? {
    rules[key]?.first.flatMap {
      ground.program.sourceLocation($0.label.procedure, $0.label.node)
    }
  }

  func call(_ key: StepKey, _ one: StepCase) -> String? {
    guard let label = rules[key]?.first(where: { stepCase($0.label) == one })?.label else {
      return nil
    }
    let program = ground.program
    let arguments = label.source == 0 ? label.choice.prefix(program.argumentCount(label)) : []
    return program.callText(label, arguments: Array(arguments))
  }

  /// The cells that decide how the step goes for this thread and these elements.
  func support(_ key: StepKey, _ one: StepCase) -> [Int] {
    var found: Set<Int> = []
    func look(_ formula: Formula) {
      switch formula {
      case .member(let cell, _): found.insert(cell)
      case .and(let parts), .or(let parts): parts.forEach(look)
      case .yes, .no, .compare: break
      }
    }
    for rule in rules[key] ?? [] where rule.label.thread == one.thread {
      if rule.label.choice == one.choice { look(rule.guardFormula) }
    }
    return found.sorted()
  }

  /// How the step goes in a state, by the unrolled conditions.
  func behaviour(_ key: StepKey, _ one: StepCase, _ state: [Int]) -> String {
    let labels = (rules[key] ?? []).filter { $0.guardFormula.holds(in: state) }.map(\.label)
    return words(labels, one)
  }

  /// How the step goes in a state, by the interpreter.
  func interpreted(_ key: StepKey, _ one: StepCase, _ state: [Int]) -> String? {
    let program = ground.program
    guard let all = try? Interpreter(program).transitions(from: state) else { return nil }
    let places = program.places
    return words(all.map(\.label).filter { Self.key($0, places, program) == key }, one)
  }

  private func words(_ labels: [TransitionLabel], _ one: StepCase) -> String {
    var found: Set<String> = []
    for label in labels where label.thread == one.thread && label.choice == one.choice {
      found.insert(stepCase(label).refusal.map { "answers \($0)" } ?? "allows it")
    }
    return found.isEmpty ? "does not allow it" : found.sorted().joined(separator: " or ")
  }
}

extension Formula {
  /// Its truth in a state; a comparison of large numbers counts as false, as it is not encoded.
  func holds(in state: [Int]) -> Bool {
    switch self {
    case .yes: true
    case .no, .compare: false
    case .member(let cell, let set): set.contains(state[cell])
    case .and(let parts): parts.allSatisfy { $0.holds(in: state) }
    case .or(let parts): parts.contains { $0.holds(in: state) }
    }
  }
}
