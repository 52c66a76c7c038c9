import SpecLanguage
import SpecProgram

/// Reductions that would change what is claimed of infinite runs.
public enum LivenessRefusal {
  /// What to say when reductions were asked for by name and a `LeadsTo` is to be decided; `nil`
  /// when there is nothing against it.
  ///
  /// Representatives of orbits mix the instances of fairness up, ample sets and fused releases
  /// leave steps out that fairness is about. `auto` and `none` are no names of reductions: a
  /// `LeadsTo` is then decided on the full graph, whatever the other properties are decided on.
  public static func refusal(reductions: [String], properties: [Property]) -> SpecError? {
    let named = reductions.filter { $0 != "auto" && $0 != "none" }
    guard let reduction = named.first, let property = properties.first(where: \.isLiveness)
    else { return nil }
    return SpecError(
      "TDX2021", "\(property.id) is about infinite runs; --reduce \(reduction) may not keep them",
      at: property.location,
      suggestion: "use --reduce auto, which decides it on the full graph, or --property")
  }
}
