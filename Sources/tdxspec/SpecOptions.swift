import ArgumentParser
import Catalogue
import SpecLanguage
import SpecProgram

/// Which spec, and how big.
struct ScopeOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("A named scope of the spec.", valueName: "name"))
  var scope: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A size or parameter, such as N=3; may be repeated.", valueName: "name=value"))
  var set: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A bug that the spec can be given (tdxspec list SPEC); may be repeated.", valueName: "id"))
  var mutate: [String] = []

  /// - Throws: a usage error that names the offending text.
  func overrides() throws -> [String: Int] {
    var result: [String: Int] = [:]
    for text in set {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw ValidationError("--set takes NAME=VALUE, not '\(text)'")
      }
      guard let value = Int(parts[1]) else {
        throw ValidationError("'\(parts[1])' in --set \(text) is not a whole number that fits")
      }
      guard result.updateValue(value, forKey: String(parts[0])) == nil else {
        throw ValidationError("--set \(parts[0]) is given twice")
      }
    }
    return result
  }
}

/// Finds bundled specs by name.
enum SpecLookup {
  /// - Throws: a usage error with the nearest names.
  static func entry(_ name: String) throws -> CatalogueEntry {
    if let entry = Catalogue.entry(named: name) { return entry }
    let names = Catalogue.all.map(\.name)
    let near = names.filter { $0.contains(name) || distance($0, name) <= 3 }
    let hint =
      near.isEmpty
      ? "tdxspec list shows them all" : "did you mean \(near.joined(separator: " or "))?"
    throw ValidationError("there is no spec '\(name)'; \(hint)")
  }

  /// A spec's description, checked for mistakes that need no scope.
  ///
  /// - Parameter mutations: ids of the bugs that it is given.
  static func describe(_ name: String, mutate mutations: [String] = []) throws -> SpecDescription {
    var spec = try entry(name).describe()
    for id in mutations { spec = try mutated(spec, id) }
    try SpecLint(spec).checkGhosts()
    return spec
  }

  private static func mutated(_ spec: SpecDescription, _ id: String) throws -> SpecDescription {
    guard let mutation = spec.mutations.first(where: { $0.id == id }) else {
      let known = spec.mutations.map(\.id).joined(separator: ", ")
      let hint = known.isEmpty ? "it has none" : "mutations: \(known)"
      throw ValidationError("\(spec.name) has no mutation '\(id)'; \(hint)")
    }
    return try mutated(spec, by: mutation)
  }

  static func mutated(_ spec: SpecDescription, by mutation: Mutation) throws -> SpecDescription {
    do throws(MutationError) {
      return try spec.mutated(by: mutation)
    } catch {
      throw SpecError(
        "TDX1140", "mutation \(mutation.id): \(error.message)", at: mutation.location,
        suggestion: "names are those of Step(…), Action(…) and of tdxspec read")
    }
  }

  /// How many letters must change to turn one word into the other.
  static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a)
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var previous = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let best = min(previous + (x == y ? 0 : 1), row[j] + 1, row[j + 1] + 1)
        previous = row[j + 1]
        row[j + 1] = best
      }
    }
    return row[b.count]
  }
}
