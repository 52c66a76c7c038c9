import SpecLanguage

/// An aligned block of a file that one hugetlb page can back: 1 GiB.
public enum HugePage: Sort {}
/// An aligned block of a file that one page of 2 MiB can back.
public enum MidPage: Sort {}

/// What a file's page cache has for a block (guest-memfd §2.4).
public enum Block: EnumDomain {
  case absent
  /// One folio.
  case whole
  /// Several folios, see `isSmall`.
  case split
  /// Taken out of the page cache to be split or merged: nobody gets a reference.
  case frozen
  /// Truncated while somebody holds a folio of it: it goes back to the pool later.
  case leaving
  /// Taken out of the page cache and not put back: memory that nobody has.
  case lost
}

/// How much of a file a call is about.
public enum Extent: EnumDomain {
  case page
  case mid
  case block
  /// Everything but the page.
  case others
  case file
}

/// A guest's fault between its look at the memslot and the new entry (guest-memfd §1.5).
public enum FaultState: EnumDomain {
  case none
  case fresh
  /// mmu_invalidate_seq has moved on since.
  case stale
}

/// The size of a folio or of a mapping.
public enum Size: EnumDomain {
  case small
  case mid
  case huge
}

/// When the folios of a block are merged again (guest-memfd §4).
public enum MergePolicy {
  /// M-EARLY: by the conversion that leaves no shared page.
  static let early = 0
  /// M-DEMAND: when user space asks for it.
  static let demand = 1
  /// M-NEVER: by freeing only.
  static let never = 2
  /// M-REBOOT: when the file is bound to a memslot again.
  static let reboot = 3
  /// M-DEFER: by a worker, once nobody holds a folio of the block.
  static let deferred = 4
}

/// What protects private pages from the host (guest-memfd §5).
public enum HostProtection {
  static let none = 0
  /// S-EPT: taking a page away destroys its contents.
  static let tdx = 1
  /// The RMP: entries of 4 KiB and 2 MiB.
  static let snp = 2
}

extension Outcome {
  /// KVM has mapped the page by an entry of 4 KiB.
  static let mappedSmall = Outcome("mapped 4K", kind: .success)
  /// KVM has mapped the page by an entry of 2 MiB.
  static let mappedMid = Outcome("mapped 2M", kind: .success)
  /// KVM has mapped the page by an entry of 1 GiB.
  static let mappedHuge = Outcome("mapped 1G", kind: .success)
}
