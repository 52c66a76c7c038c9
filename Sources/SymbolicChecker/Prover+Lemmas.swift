import SpecLanguage
import SpecProgram

extension Prover {
  /// The claims that are inductive together when some may not be used.
  ///
  /// - Returns: their ids, and why the solver had no answer for some claim; without a doubt every
  ///   claim that is missing is broken by some step or does not hold at first.
  public func inductiveIDs(
    without dropped: Set<String>
  ) throws(SolverError) -> (ids: [String], doubt: String?) {
    let used = claims.filter { !dropped.contains($0.property.id) }
    let name = dropped.isEmpty ? "lemmas" : "without-\(dropped.sorted().joined(separator: "-"))"
    let found = try largestInductiveSet(used.map { Candidate($0, encoder) }, name)
    return (found.kept.map(\.name), found.doubt)
  }
}

extension EverySizeProver {
  /// The same for every number of elements.
  public func inductiveIDs(
    _ claims: [ResolvedProperty], without dropped: Set<String>
  ) throws -> (ids: [String], doubt: String?) {
    let (proved, failed) = try split(claims.filter { !dropped.contains($0.property.id) })
    let unsure = failed.first { !$0.isSure }
    return (proved.map(\.property.id), unsure?.reason)
  }
}
