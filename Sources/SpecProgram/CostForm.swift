import SpecLanguage

/// `a + b·pages + c·vcpus + d·pages·vcpus`: how a count grows with two sizes.
public struct CostForm: Hashable, Sendable {
  public let constant: Int
  public let first: Int
  public let second: Int
  public let both: Int

  /// The value at two sizes, as a floating-point number: the sizes may be those of real machines.
  public func value(_ first: Double, _ second: Double) -> Double {
    Double(constant) + Double(self.first) * first + Double(self.second) * second
      + Double(both) * first * second
  }

  /// In words: `4·pages + vcpus + 3`.
  public func text(_ firstName: String, _ secondName: String) -> String {
    let parts = [
      (both, "\(firstName)·\(secondName)"), (first, firstName), (second, secondName),
      (constant, ""),
    ]
    let texts = parts.filter { $0.0 != 0 }.map { count, name in
      name.isEmpty ? "\(count)" : count == 1 ? name : "\(count)·\(name)"
    }
    return texts.isEmpty ? "0" : texts.joined(separator: " + ")
  }
}

/// Counts along the calls of a cost model, at several sizes, and the form that they have.
public struct CostCounter {
  private let spec: SpecDescription
  private let model: CostModel
  /// The names of the two sizes.
  private let names: (first: String, second: String)
  /// The sizes that decide the form, then those that it is checked at.
  public static let sizes = [
    (1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 2), (2, 3), (4, 4), (5, 3),
  ]

  public init(_ spec: SpecDescription, _ model: CostModel, _ first: String, _ second: String) {
    self.spec = spec
    self.model = model
    names = (first, second)
  }

  /// The form of each term.
  ///
  /// - Throws: `TDX2030` when the calls do not get their answers, `TDX2031` when a count has
  ///   another form.
  public func forms() throws(SpecError) -> [CostForm] {
    var counts: [[Int]] = []
    for (first, second) in Self.sizes { counts.append(try count(first, second)) }
    var forms: [CostForm] = []
    for (term, costs) in model.terms.enumerated() {
      let form = form(counts[0][term], counts[1][term], counts[2][term], counts[3][term])
      for (size, found) in zip(Self.sizes, counts) {
        let (first, second) = size
        guard form.value(Double(first), Double(second)) == Double(found[term]) else {
          throw SpecError(
            "TDX2031",
            """
            '\(costs.name)' is \(found[term]) at \(names.first)=\(first) \
            \(names.second)=\(second), not \(form.text(names.first, names.second))
            """)
        }
      }
      forms.append(form)
    }
    return forms
  }

  private func form(_ f11: Int, _ f21: Int, _ f12: Int, _ f22: Int) -> CostForm {
    let both = f22 - f21 - f12 + f11
    let first = f21 - f11 - both
    let second = f12 - f11 - both
    return CostForm(
      constant: f11 - first - second - both, first: first, second: second, both: both)
  }

  /// How often each term's steps are taken at two sizes.
  private func count(_ first: Int, _ second: Int) throws(SpecError) -> [Int] {
    let sizes = model.fixed.merging([names.first: first, names.second: second]) { $1 }
    let scope = try ResolvedScope(spec, overrides: sizes)
    let program = try Program(spec, scope, ProgramOptions(fuseReleases: false))
    try program.validate(model.calls)
    let answer = try ScenarioRun(program).run(model.calls)
    guard let trace = answer.trace else {
      let call = model.calls[answer.reached]
      let instead = answer.instead.map(\.text).joined(separator: " or ")
      throw SpecError(
        "TDX2030",
        "\(call.action) answers \(instead.isEmpty ? "nothing" : instead), not \(call.answer.text)",
        at: call.location)
    }
    return try model.terms.map { term throws(SpecError) in
      let weight = try term.each.map { sort throws(SpecError) in try scope.size(of: sort) } ?? 1
      return weight * program.count(term, along: trace)
    }
  }
}

extension Program {
  /// How many of a run's steps a term counts.
  fileprivate func count(_ term: CostTerm, along trace: Trace) -> Int {
    var before = trace.initial
    var total = 0
    for step in trace.steps {
      let info = procedures[step.label.procedure].info[step.label.node]
      if term.steps.contains(info.label), holds(term.under, step.label.thread, before) {
        total += 1
      }
      before = step.state
    }
    return total
  }

  private func holds(_ lock: LockDeclaration?, _ thread: Int?, _ state: [Int]) -> Bool {
    guard let lock else { return true }
    guard let thread, let layout = variables[lock.owner.id] else { return false }
    return state[layout.base] == thread + 1
  }
}
