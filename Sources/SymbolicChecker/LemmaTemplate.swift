import SpecLanguage

/// A lemma about any elements: these conditions never hold together, unless some thread stands at
/// one of the named places.
struct LemmaTemplate: Hashable {
  struct Part: Hashable {
    let shape: Int
    /// Which of the template's variables each element is; -1 is any thread.
    let variables: [Int]
  }
  /// What never holds together.
  var never: [Part]
  /// Unless one of these holds.
  var unless: [Part] = []
  /// Distinct elements of these sorts.
  var variables: [SortID] = []
  /// What the spec's tables say of the variables, in the order of `LiteralTable.facts`.
  var facts: [Bool] = []
}

/// An instance of a template at a scope: numbers of literals.
struct LemmaInstance {
  let never: [Int]
  let unless: [Int]
}

extension LiteralTable {
  /// The template that has these literals as an instance.
  ///
  /// - Parameter witness: literals whose thread may be any, unless it is among the elements of
  ///   `never`.
  func template(_ never: [Int], unless witness: [Int] = []) -> LemmaTemplate {
    var names: [SortID: [Int: Int]] = [:]
    var variables: [SortID] = []
    var elements: [Int] = []
    func variable(_ sort: SortID, _ element: Int) -> Int {
      if let known = names[sort]?[element] { return known }
      names[sort, default: [:]][element] = variables.count
      variables.append(sort)
      elements.append(element)
      return variables.count - 1
    }
    let ordered = never.sorted { literals[$0].shape < literals[$1].shape }
    let parts = ordered.map { number in
      let literal = literals[number]
      let sorts = vocabulary.shapes[literal.shape].sorts
      return LemmaTemplate.Part(
        shape: literal.shape, variables: zip(sorts, literal.elements).map(variable))
    }
    let others = witness.map { number in
      let literal = literals[number]
      let sorts = vocabulary.shapes[literal.shape].sorts
      return LemmaTemplate.Part(
        shape: literal.shape,
        variables: zip(sorts, literal.elements).map { names[$0]?[$1] ?? -1 })
    }
    var seen: Set<LemmaTemplate.Part> = []
    return LemmaTemplate(
      never: parts, unless: others.filter { seen.insert($0).inserted }, variables: variables,
      facts: facts(variables, elements))
  }

  /// What the tables say of elements: which belongs to which, and which belong to the same.
  private func facts(_ sorts: [SortID], _ elements: [Int]) -> [Bool] {
    var result: [Bool] = []
    for table in tables {
      for (a, sort) in sorts.enumerated() where sort == table.key {
        for (b, other) in sorts.enumerated() {
          if other == table.value { result.append(table.values[elements[a]] == elements[b]) }
          if other == table.key, b > a {
            result.append(table.values[elements[a]] == table.values[elements[b]])
          }
        }
      }
    }
    return result
  }

  /// Every instance at this scope; none when it has too few elements.
  func instances(of template: LemmaTemplate) -> [LemmaInstance] {
    var result: [LemmaInstance] = []
    var chosen: [Int] = []
    func extend() {
      guard chosen.count < template.variables.count else {
        guard facts(template.variables, chosen) == template.facts else { return }
        if let instance = instance(of: template, chosen) { result.append(instance) }
        return
      }
      let sort = template.variables[chosen.count]
      for element in 0..<(sizes[sort] ?? 0) {
        let isTaken = zip(template.variables, chosen).contains { $0 == sort && $1 == element }
        guard !isTaken else { continue }
        chosen.append(element)
        extend()
        chosen.removeLast()
      }
    }
    extend()
    return result
  }

  private func instance(of template: LemmaTemplate, _ chosen: [Int]) -> LemmaInstance? {
    var never: [Int] = []
    for part in template.never {
      let elements = part.variables.map { chosen[$0] }
      guard let literal = index[Key(shape: part.shape, elements: elements)] else { return nil }
      never.append(literal)
    }
    var unless: [Int] = []
    for part in template.unless {
      let sorts = vocabulary.shapes[part.shape].sorts
      // Only a thread is left open, and it comes first.
      let open = part.variables.first == -1 ? sizes[sorts[0]] ?? 0 : 1
      for thread in 0..<open {
        let elements = part.variables.map { $0 < 0 ? thread : chosen[$0] }
        if let literal = index[Key(shape: part.shape, elements: elements)] {
          unless.append(literal)
        }
      }
    }
    return LemmaInstance(never: never, unless: unless)
  }
}
