/// An environment whose recordings `gmem/mainline` answers, with the parameters that make the
/// spec its kernel.
public struct GmemEnvironment: Sendable {
  /// As recordings call it.
  public let name: String
  /// Parameters of `gmem/mainline`; `PROFILE` counts 6.12, 6.18, 7.2, 7.3.
  public let parameters: [String: Int]

  /// GPAs of memslots lie below this bit. 52 with shadow paging; of the emulated CPU recordings
  /// tell only that bit 47 is too high.
  let gpaBits: UInt64

  /// A memslot's offset and size are added as signed numbers (guest-memfd §1.4, up to 7.1).
  let isSumSigned: Bool

  public static let all = [
    GmemEnvironment(
      name: "kvm-6.18-default", parameters: ["PROFILE": 1, "PRIVATE": 0, "SMM": 0], gpaBits: 52,
      isSumSigned: true),
    GmemEnvironment(
      name: "kvm-7.3-sw-protected", parameters: ["PROFILE": 3, "PRIVATE": 1, "SMM": 1],
      gpaBits: 47, isSumSigned: false),
  ]
}
