import SpecLanguage

/// Who may use a page of a guest_memfd file (guest-memfd §2.2).
public enum Share: EnumDomain {
  /// The guest alone.
  case `private`
  /// The guest and the host.
  case shared
}

/// What KVM has mapped into the guest for a page (guest-memfd §1.1).
public enum GuestMapping: EnumDomain {
  case none
  case `private`
  case shared
}

/// A memslot (guest-memfd §1.1).
public enum MemslotState: EnumDomain {
  case absent
  /// Its arch metadata is there, KVM_RUN does not see it yet.
  case prepared
  case active
  /// Marked KVM_MEMSLOT_INVALID by a deletion under way.
  case invalid
}

/// The host's protection of private pages.
public enum Backend {
  /// KVM_X86_SW_PROTECTED_VM: nothing.
  static let software = 0
  /// SEV-SNP: the RMP says which pages are the guest's (guest-memfd §5.2).
  static let snp = 1
}
