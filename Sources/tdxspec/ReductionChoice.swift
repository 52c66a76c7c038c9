import ArgumentParser

/// What `--reduce` asks for.
struct ReductionChoice: ExpressibleByArgument, Hashable {
  enum Kind: String, CaseIterable {
    /// A release that nobody can tell from the step before it is part of that step.
    case fusion
    /// States that differ by the names of interchangeable elements are one.
    case symmetry
    /// Steps that commute with all others are taken in one order.
    case por
  }

  /// `nil` for auto: what applies and pays.
  let chosen: Set<Kind>?

  static let auto = ReductionChoice(chosen: nil)

  private init(chosen: Set<Kind>?) { self.chosen = chosen }

  init?(argument: String) {
    if argument == "auto" {
      self = .auto
      return
    }
    if argument == "none" {
      chosen = []
      return
    }
    var kinds: Set<Kind> = []
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let kind = Kind(rawValue: String(word)), kinds.insert(kind).inserted else { return nil }
    }
    chosen = kinds
  }

  /// The same without what changes how many steps a run takes.
  ///
  /// - Throws: a usage error when that was asked for.
  func keepingLengths() throws -> ReductionChoice {
    guard let chosen else { return ReductionChoice(chosen: [.fusion]) }
    guard !chosen.contains(.por) else {
      throw ValidationError("--cross-check compares numbers of steps, which --reduce por changes")
    }
    return self
  }

  var defaultValueDescription: String { "auto" }

  /// Whether to try a reduction; the counts of `bench/*` specs are a contract.
  func wants(_ kind: Kind, for spec: String) -> Bool {
    chosen?.contains(kind) ?? !spec.hasPrefix("bench/")
  }
}
