import SpecLanguage

/// A kernel that `gmem/mainline` can be; the parameter `PROFILE` is its place in this list.
///
/// The releases are those of guest-memfd §1.8: 6.12.107, 6.18.44, 7.2.13 and 7.3-rc7.
public enum KernelProfile: String, CaseIterable, Sendable {
  case linux6_12 = "6.12"
  case linux6_18 = "6.18"
  case linux7_2 = "7.2"
  case linux7_3 = "7.3"

  /// The value of `PROFILE`.
  public var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// What differs between the kernels (guest-memfd §1.8).
  enum Fact: String, CaseIterable {
    case creationFlags = "flags MMAP and INIT_SHARED"
    case anyVMBinds = "memslots with a memfd for every VM type"
    case overlapExists = "overlapping bindings answer EEXIST"
    case preFaultTellsInvalid = "prefault of a memslot that goes away answers EAGAIN"
  }

  /// The table: which kernels a fact holds for.
  ///
  /// What 6.18 does about `preFaultTellsInvalid` is taken from the row of 6.18 itself.
  static let table: [Fact: Set<KernelProfile>] = [
    .creationFlags: [.linux6_18, .linux7_2, .linux7_3],
    .anyVMBinds: [.linux6_18, .linux7_2, .linux7_3],
    .overlapExists: [.linux7_2, .linux7_3],
    .preFaultTellsInvalid: [.linux6_18, .linux7_2, .linux7_3],
  ]

  /// The table as readers see it.
  static var reference: ReferenceTable {
    ReferenceTable(
      "What differs between kernels", cites: "guest-memfd §1.8",
      columns: ["fact"] + allCases.map { "\($0.number): \($0.rawValue)" },
      rows: Fact.allCases.map { fact in
        [fact.rawValue] + allCases.map { table[fact]?.contains($0) == true ? "yes" : "no" }
      })
  }

  /// The fact holds for the kernel that the parameter chooses.
  static func has(_ fact: Fact, _ profile: Parameter) -> Condition {
    allCases.filter { table[fact]?.contains($0) == true }
      .map { profile == $0.number }.reduce(Condition(.no)) { $0 || $1 }
  }
}
