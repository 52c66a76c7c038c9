import SpecLanguage
import SpecProgram

/// Reductions that would change what is claimed of infinite runs, or of every step.
public enum FullGraphRefusal {
  /// What to say when reductions were asked for by name and a `LeadsTo` or a `Refines` is to be
  /// decided; `nil` when there is nothing against it.
  ///
  /// Representatives of orbits mix the instances of fairness up, ample sets and fused releases
  /// leave steps out that fairness or an abstract spec is about; states of one orbit need not map
  /// to the same abstract state. `auto` and `none` are no names of reductions: such a property is
  /// then decided on the full graph, whatever the others are decided on.
  public static func refusal(reductions: [String], properties: [Property]) -> SpecError? {
    let named = reductions.filter { $0 != "auto" && $0 != "none" }
    guard let reduction = named.first,
      let property = properties.first(where: \.needsFullGraph)
    else { return nil }
    let subject =
      property.isLiveness ? ("TDX2021", "infinite runs") : ("TDX2022", "every step")
    return SpecError(
      subject.0, "\(property.id) is about \(subject.1); --reduce \(reduction) may not keep them",
      at: property.location,
      suggestion: "use --reduce auto, which decides it on the full graph, or --property")
  }
}
