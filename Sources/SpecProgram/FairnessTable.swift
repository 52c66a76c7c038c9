import SpecLanguage

/// One instance of a fairness assumption: what cannot be put off for ever.
public struct FairnessInstance: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// A one-step action with its arguments.
    case step(procedure: Int, arguments: [Int])
    /// Some thread begins the call.
    case start(procedure: Int, arguments: [Int])
    /// The thread takes a step of the call that it is inside of; of any call for `nil`.
    case advance(thread: Int, procedure: Int?)
  }

  let kind: Kind
  public let strength: Fairness.Strength
}

/// The fairness assumptions of a `LeadsTo` at a scope, one bit for each instance.
public struct FairnessTable: Sendable {
  public let instances: [FairnessInstance]
  /// The instances that are weakly fair.
  public let weak: UInt64
  /// The instances that are strongly fair.
  public let strong: UInt64
  private let bits: [FairnessInstance.Kind: UInt64]
  private let argumentCounts: [Int]

  /// Bits of a mask.
  static var most: Int { 64 }

  /// - Throws: `TDX2020` when there are more than 64 instances.
  public init(_ program: Program, _ fairness: [Fairness]) throws(SpecError) {
    var found: [FairnessInstance] = []
    for assumption in fairness {
      for kind in program.kinds(of: assumption.target) {
        // Strong fairness implies weak fairness.
        if let known = found.firstIndex(where: { $0.kind == kind }) {
          if assumption.strength == .strong {
            found[known] = FairnessInstance(kind: kind, strength: .strong)
          }
        } else {
          found.append(FairnessInstance(kind: kind, strength: assumption.strength))
        }
      }
    }
    guard found.count <= Self.most else {
      throw SpecError(
        "TDX2020", "\(found.count) instances of fairness; at most \(Self.most)",
        at: fairness.first?.location, suggestion: "choose a smaller scope")
    }
    var weak: UInt64 = 0
    var strong: UInt64 = 0
    var bits: [FairnessInstance.Kind: UInt64] = [:]
    for (index, instance) in found.enumerated() {
      let bit: UInt64 = 1 << UInt64(index)
      bits[instance.kind, default: 0] |= bit
      if instance.strength == .weak { weak |= bit } else { strong |= bit }
    }
    instances = found
    self.weak = weak
    self.strong = strong
    self.bits = bits
    argumentCounts = program.procedures.map(\.action.arguments.count)
  }

  /// The instances that a transition is a step of.
  public func mark(_ label: TransitionLabel) -> UInt64 {
    let procedure = label.procedure
    let arguments = Array(label.choice.prefix(argumentCounts[procedure]))
    guard let thread = label.thread else {
      return bits[.step(procedure: procedure, arguments: arguments)] ?? 0
    }
    if label.source == 0 {
      return bits[.start(procedure: procedure, arguments: arguments)] ?? 0
    }
    return (bits[.advance(thread: thread, procedure: procedure)] ?? 0)
      | (bits[.advance(thread: thread, procedure: nil)] ?? 0)
  }
}

extension Program {
  /// What is assumed of an instance, in words.
  public func text(of instance: FairnessInstance) -> String {
    func call(_ procedure: Int, _ arguments: [Int]) -> String {
      let action = procedures[procedure].action
      let values = zip(action.arguments, arguments).map { Reading.value($1, of: $0.bound.type) }
      return ([action.name] + values).joined(separator: " ")
    }
    let strength = instance.strength == .weak ? "weak" : "strong"
    switch instance.kind {
    case .step(let procedure, let arguments):
      return "\(strength) fairness of \(call(procedure, arguments))"
    case .start(let procedure, let arguments):
      return "\(strength) fairness of beginning \(call(procedure, arguments))"
    case .advance(let thread, let procedure):
      let inside = procedure.map { " inside \(actionName($0))" } ?? ""
      return "\(strength) fairness of thread \(thread)\(inside)"
    }
  }

  func kinds(of target: Fairness.Target) -> [FairnessInstance.Kind] {
    switch target {
    case .threads(let role):
      return threads.indices.filter { threads[$0].role == role }.map {
        .advance(thread: $0, procedure: nil)
      }
    case .action(let name):
      return procedures.filter { $0.action.name == name }.flatMap { procedure in
        guard procedure.isThreaded else {
          return choices(of: procedure).map {
            FairnessInstance.Kind.step(procedure: procedure.index, arguments: $0)
          }
        }
        return threads.indices.filter { threads[$0].role == procedure.action.role }.map {
          .advance(thread: $0, procedure: procedure.index)
        }
      }
    case .starting(let name):
      return procedures.filter { $0.action.name == name }.flatMap { procedure in
        choices(of: procedure).map { .start(procedure: procedure.index, arguments: $0) }
      }
    }
  }

  private func choices(of procedure: Procedure) -> [[Int]] {
    Array(Combinations(Array(procedure.frameSpans.prefix(procedure.action.arguments.count))))
  }

  /// Checks that what a fairness assumption names exists.
  ///
  /// - Throws: `TDX1120` with the place of the assumption.
  func validate(_ fairness: [Fairness]) throws(SpecError) {
    for assumption in fairness {
      switch assumption.target {
      case .threads(let role):
        guard threads.contains(where: { $0.role == role }) else {
          throw SpecError(
            "TDX1120", "fairness of the threads of \(role.name), which no action is by",
            at: assumption.location)
        }
      case .action(let name), .starting(let name):
        guard let action = spec.actions.first(where: { $0.name == name }) else {
          throw SpecError(
            "TDX1120", "fairness of '\(name)', which is no action", at: assumption.location,
            suggestion: "actions: \(spec.actions.map(\.name).joined(separator: ", "))")
        }
        if case .starting = assumption.target, action.role == nil {
          throw SpecError(
            "TDX1120", "no thread begins '\(name)': it is one step", at: assumption.location,
            suggestion: "use .weak(\"\(name)\") or .strong(\"\(name)\")")
        }
      }
    }
  }
}
