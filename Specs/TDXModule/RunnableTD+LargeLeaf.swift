import SpecLanguage

/// One S-EPT leaf of 2 MiB, and what the module does with it as a whole.
///
/// Its pages have one S-EPT state: the leaves here change them together. How a TD gets such a leaf
/// is left out; no page is promoted (guest-memfd §5.1).
public struct LargeLeaf: Sendable {
  /// The leaf is there.
  public let isThere: Condition
  public let covers: @Sendable (Expr<Page>) -> Condition
  /// The entry is that of a page of S-EPT from now on, or free.
  public let goes: [Statement]

  public init(
    isThere: Condition, covers: @escaping @Sendable (Expr<Page>) -> Condition, goes: [Statement]
  ) {
    self.isThere = isThere
    self.covers = covers
    self.goes = goes
  }
}

extension RunnableTD {
  public static let blockLargeName = "TDH.MEM.RANGE.BLOCK(2M)"
  public static let demoteName = "TDH.MEM.PAGE.DEMOTE"
  public static let removeLargeName = "TDH.MEM.PAGE.REMOVE(2M)"

  public func rangeBlock(_ large: LargeLeaf) -> Action {
    leaf(Self.blockLargeName, tdr: .shared, "tdx-module §10.10") {
      keysConfigured
      Check(large.isThere, else: .eptWalkFailed)
      Check(all(of: large) { p in sept[p] == .mapped }, else: .entryStateIncorrect)
      Each(Page.self) { p in When(large.covers(p)) { sept[p] <- .blocked } }
    }
  }

  /// The pages get entries of their own, unblocked; their contents stay (tdx-module §14.6).
  ///
  /// Left out: the new S-EPT page, which the caller has, and TDX_INTERRUPTED_RESTARTABLE, which
  /// changes nothing and is tried again.
  public func pageDemote(_ large: LargeLeaf) -> Action {
    leaf(Self.demoteName, tdr: .shared, "tdx-module §10.9") {
      keysConfigured
      Check(large.isThere, else: .eptWalkFailed)
      tracked(large)
      Each(Page.self) { p in When(large.covers(p)) { sept[p] <- .mapped } }
      large.goes
    }
  }

  public func pageRemove(_ large: LargeLeaf) -> Action {
    leaf(Self.removeLargeName, tdr: .shared, "tdx-module §10.6") {
      keysConfigured
      Check(large.isThere, else: .eptWalkFailed)
      tracked(large)
      leaves(large)
    }
  }

  /// At the size that the PAMT has for it.
  public func pageReclaim(_ large: LargeLeaf) -> Action {
    leaf("TDH.PHYMEM.PAGE.RECLAIM(2M)", tdr: .shared, "tdx-module §11.1") {
      Check(large.isThere, else: .metadataIncorrect)
      Check(life == .TD_TEARDOWN, else: .lifecycleIncorrect)
      leaves(large)
    }
  }

  @StatementBuilder
  private func tracked(_ large: LargeLeaf) -> [Statement] {
    Check(
      needsNoTracking || all(of: large) { p in sept[p] != .mapped }, else: .rangeNotBlocked)
    Check(all(of: large) { p in isTracked(p) }, else: .trackingNotDone)
  }

  @StatementBuilder
  private func leaves(_ large: LargeLeaf) -> [Statement] {
    Each(Page.self) { p in When(large.covers(p)) { sept[p] <- .free } }
    if let extras { extras.leave(large.covers) }
    large.goes
  }

  private func all(
    of large: LargeLeaf, _ body: (Expr<Page>) -> Condition
  ) -> Condition {
    forAll(Page.self) { p in large.covers(p) ==> body(p) }
  }
}
