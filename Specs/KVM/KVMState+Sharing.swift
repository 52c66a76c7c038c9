import SpecLanguage
import TDXModuleSpecs

extension KVMState {
  /// What a spec adds to KVM's steps where files have pages that are shared with the host.
  ///
  /// Without it every page is private for good, as in 7.3 (guest-memfd §0.2).
  package struct SharingHooks: Sendable {
    package typealias OnPage = @Sendable (Expr<Page>) -> [Statement]

    /// The page is private now.
    package let isPrivate: @Sendable (Expr<Page>) -> Condition
    /// Something besides descriptors keeps the file.
    package let keeps: @Sendable (Expr<File>) -> Condition
    /// What else goes as KVM unmaps the page from the guest.
    package let unmaps: OnPage
    /// What else goes as the page leaves the file.
    package let truncates: OnPage
    /// What else happens as these pages leave the TD.
    package let leaveTD: @Sendable (RunnableTD.PageExtras.Which) -> [Statement]
    /// What else happens as a leaf of 2 MiB is split.
    package let splits: @Sendable (Expr<File>) -> [Statement]
    /// All pages of the file are mapped by one S-EPT leaf of 2 MiB.
    package let large: Map<File, Bool>

    package init(
      isPrivate: @escaping @Sendable (Expr<Page>) -> Condition,
      keeps: @escaping @Sendable (Expr<File>) -> Condition,
      unmaps: @escaping OnPage, truncates: @escaping OnPage,
      leaveTD: @escaping @Sendable (RunnableTD.PageExtras.Which) -> [Statement],
      splits: @escaping @Sendable (Expr<File>) -> [Statement], large: Map<File, Bool>
    ) {
      self.isPrivate = isPrivate
      self.keeps = keeps
      self.unmaps = unmaps
      self.truncates = truncates
      self.leaveTD = leaveTD
      self.splits = splits
      self.large = large
    }
  }

  package static var demoteName: String { "splits the mirror SPTE of 2 MiB" }
  package static var clearsLargeName: String { "clears the mirror SPTE of 2 MiB" }

  /// The file's leaf of 2 MiB.
  private func largeLeaf(_ f: Expr<File>, _ hooks: SharingHooks) -> LargeLeaf {
    LargeLeaf(
      isThere: Condition(hooks.large[f].node), covers: { p in fileOf[p] == f },
      goes: Statements { hooks.large[f] <- false })
  }

  /// A leaf of 2 MiB that only some of the pages to remove are in is split, so that the others stay
  /// (guest-memfd §5.1); one whose pages all go is removed whole.
  ///
  /// Without HKID it cannot be split: the module reclaims it whole, and no guest can notice. This
  /// is the design of the series on huge pages; 7.3 has no such leaf. Runs under write mmu_lock.
  @StatementBuilder
  package func removeLarge(
    _ f: Expr<File>, withoutHKID: WithoutHKID, _ which: (Expr<Page>) -> Condition
  ) -> [Statement] {
    if let hooks = sharing {
      let leaf = largeLeaf(f, hooks)
      let all = forAll(Page.self) { p in fileOf[p] == f ==> which(p) }
      let some = exists(Page.self) { p in fileOf[p] == f && which(p) }
      When(leaf.isThere && some) {
        When(hkidAssigned && !all) {
          Step(Self.demoteName) { hooks.splits(f) }
          blockTrackAnd(td.pageDemote(leaf), leaf)
        } else: {
          Step(Self.clearsLargeName) {
            Each(Page.self) { p in
              When(fileOf[p] == f) {
                mirror[p] <- false
                hooks.unmaps(p)
              }
            }
          }
          When(hkidAssigned) {
            blockTrackAnd(td.pageRemove(leaf), leaf)
            ForEach(ordered: Page.self, where: { p in fileOf[p] == f }) { p in writeBack(p) }
          } else: {
            switch withoutHKID {
            case .bug: bug
            case .reclaim: Call(td.pageReclaim(leaf))
            }
          }
        }
      }
    }
  }

  /// BLOCK, TRACK, kick, and what needs them.
  @StatementBuilder
  private func blockTrackAnd(_ then: Action, _ leaf: LargeLeaf) -> [Statement] {
    let status = Local<Outcome>("status")
    doNoVCPUs(td.rangeBlock(leaf), into: status)
    When(status != .ok) {
      bug(after: status)
    } else: {
      trackAndKick
      doNoVCPUs(then, into: status)
      When(status != .ok) { bug(after: status) }
    }
  }
}
