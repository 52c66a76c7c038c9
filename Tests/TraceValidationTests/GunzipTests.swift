import Foundation
import Testing

@testable import TraceValidation

@Suite("Unpacking gzip files") struct GunzipTests {
  /// "tdx tdx tdx tdx\n", packed by gzip -9: one block with fixed codes.
  static let fixed: [UInt8] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x2b, 0x49, 0xa9, 0x50, 0x28, 0x41,
    0x60, 0x2e, 0x00, 0xd0, 0x73, 0x2b, 0x38, 0x10, 0x00, 0x00, 0x00,
  ]
  /// "abc" in a stored block, with a file name in the header.
  static let stored: [UInt8] = [
    0x1f, 0x8b, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x61, 0x00, 0x01, 0x03, 0x00, 0xfc,
    0xff, 0x61, 0x62, 0x63, 0xc2, 0x41, 0x24, 0x35, 0x03, 0x00, 0x00, 0x00,
  ]

  @Test("fixed codes, stored blocks and several members") func members() throws {
    #expect(String(decoding: try Gunzip.unpack(Self.fixed), as: UTF8.self) == "tdx tdx tdx tdx\n")
    #expect(String(decoding: try Gunzip.unpack(Self.stored), as: UTF8.self) == "abc")
    let both = try Gunzip.unpack(Self.stored + Self.fixed)
    #expect(String(decoding: both, as: UTF8.self) == "abctdx tdx tdx tdx\n")
  }

  @Test("every shorter file is torn") func torn() throws {
    for bytes in [Self.fixed, Self.stored] {
      for length in 2..<bytes.count {
        let error = #expect(throws: GunzipError.self) {
          try Gunzip.unpack(Array(bytes[..<length]))
        }
        #expect(error?.kind == .torn, "\(length)")
      }
    }
  }

  /// Times, a name and padding are not looked at.
  @Test("a changed byte is found") func damaged() throws {
    for position in Self.stored.indices where ![4, 5, 6, 7, 8, 9, 10, 12].contains(position) {
      var bytes = Self.stored
      bytes[position] ^= 0x40
      #expect(throws: GunzipError.self, "\(position)") { try Gunzip.unpack(bytes) }
    }
  }

  @Test("the sample unpacks to whole lines") func sample() throws {
    let data = try #require(FileManager.default.contents(atPath: Recorded.sample))
    #expect(data.count <= 500_000)
    let text = try Gunzip.unpack([UInt8](data))
    #expect(text.last == 0x0a)
    #expect(text.count { $0 == 0x0a } == Recorded.sequences)
  }
}

/// The sample of the corpus in the repository.
enum Recorded {
  static let sample = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Conformance/Recorded/tdx-module-sample.jsonl.gz")
    .standardized.path
  static let sequences = 480
  static let calls = 26_245
  static let cells = 328
}
