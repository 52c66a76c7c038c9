import Catalogue
import Foundation
import SpecLanguage
import Testing

/// Readings compared with committed files; `UPDATE_GOLDEN=1 swift test` writes them anew.
@Suite struct GoldenTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden")

  @Test(arguments: Catalogue.all.map(\.name))
  func readingIsAsCommitted(_ name: String) throws {
    let spec = try #require(Catalogue.entry(named: name)).describe()
    let file = Self.folder.appendingPathComponent(
      name.replacingOccurrences(of: "/", with: "-") + ".txt")
    let text = SpecReader(spec).text
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text)
  }

  /// A reading is the same however often and in whatever order specs are described.
  @Test func readingDoesNotDependOnIdentities() throws {
    for entry in Catalogue.all {
      #expect(SpecReader(entry.describe()).text == SpecReader(entry.describe()).text)
    }
  }
}
