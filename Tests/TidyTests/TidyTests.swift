import Foundation
import Testing

/// The house rules on the files of this repository.
@Suite("Tidy") struct TidyTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let folders = ["Sources", "Specs", "Conformance", "Tests"]

  /// The text files under a folder by their path in the repository; links are not followed.
  static func files(in folder: String, ending: [String]) throws -> [(path: String, text: String)] {
    let start = root.appending(path: folder).resolvingSymlinksInPath()
    var found: [(path: String, text: String)] = []
    guard let paths = FileManager.default.enumerator(atPath: start.path) else { return found }
    for case let path as String in paths where ending.contains(where: path.hasSuffix) {
      if path.hasPrefix(".") || path.contains("/.") { continue }
      let text = try String(contentsOf: start.appending(path: path), encoding: .utf8)
      found.append((folder + "/" + path, text))
    }
    return found.sorted { $0.path < $1.path }
  }

  static func report(_ offences: [Offence]) -> Comment {
    Comment(rawValue: "\n" + offences.map(\.description).joined(separator: "\n"))
  }

  @Test("the repository is where it should be") func root() {
    #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: "LICENSE").path))
  }

  @Test("Swift files keep the house rules", arguments: folders)
  func swiftFiles(folder: String) throws {
    let files = try Self.files(in: folder, ending: [".swift"])
    let offences = files.flatMap { TidyRules.check(path: $0.path, text: $0.text) }
    #expect(offences.isEmpty, Self.report(offences))
    let exists = FileManager.default.fileExists(atPath: Self.root.appending(path: folder).path)
    #expect(files.isEmpty != exists, "no file of \(folder) was checked")
  }

  @Test("documents and scripts name no machine and leave nothing undone")
  func documents() throws {
    var files = try Self.files(in: "docs", ending: [".md"])
    files += try Self.files(in: "Benchmarks", ending: [".md", "run", ".py", ".sh"])
    for name in ["README.md", "CONTRIBUTING.md", "Package.swift"] {
      let url = Self.root.appending(path: name)
      guard FileManager.default.fileExists(atPath: url.path) else { continue }
      files.append((name, try String(contentsOf: url, encoding: .utf8)))
    }
    let offences = files.flatMap { path, text in
      TidyRules.words(path: path, lines: text.split(separator: "\n").map(String.init))
    }
    #expect(offences.isEmpty, Self.report(offences))
  }

  @Test("every citation has a row in docs/sources.md") func citations() throws {
    let document = Self.root.appending(path: "docs/sources.md")
    let sources = TidyRules.sources(try String(contentsOf: document, encoding: .utf8))
    #expect(sources.count > 100)
    let files = try ["Sources", "Specs", "Conformance"].flatMap {
      try Self.files(in: $0, ending: [".swift"])
    }
    let offences = files.flatMap {
      TidyRules.citations(path: $0.path, text: $0.text, sources: sources)
    }
    #expect(offences.isEmpty, Self.report(offences))
  }
}
