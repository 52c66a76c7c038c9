extension TidyRules {
  /// How high a module stands; a module may import project modules that stand lower.
  static let heights: [String: Int] = [
    "SpecLanguage": 0, "CZ3": 0,
    "SpecProgram": 1,
    "Verdicts": 2, "Explorer": 2, "SymbolicChecker": 2, "Reductions": 2, "TestGeneration": 2,
    "TraceValidation": 2, "SimulatorReplay": 2,
    "Documents": 2,
    "tdxspec": 3,
  ]

  /// Imports between modules of one height that were decided on.
  static let siblings: [String: Set<String>] = [
    "TestGeneration": ["Explorer", "TraceValidation"],
    "TraceValidation": ["Explorer"],
    "Documents": ["Explorer", "Verdicts"],
    "SimulatorReplay": ["TraceValidation"],
  ]

  /// Modules that may import the conformance kit.
  static let kitUsers: Set<String> = ["TestGeneration", "SimulatorReplay", "tdxspec"]

  /// Modules that may import the simulator.
  static let simulatorUsers: Set<String> = ["SimulatorReplay", "tdxspec"]

  /// What every module may import.
  static let system: Set<String> = [
    "Swift", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin", "Dispatch",
    "Synchronization", "SystemPackage", "_Concurrency", "RegexBuilder",
  ]

  /// The modules of this project by the folder of their sources; nil for other folders.
  static func module(of path: String) -> String? {
    let parts = path.split(separator: "/").map(String.init)
    guard parts.count >= 3 else { return nil }
    switch parts[0] {
    case "Sources": return parts[1]
    case "Specs": return "Specs"
    case "Conformance": return "Conformance/" + parts[1]
    default: return nil
    }
  }

  /// The modules that the file imports, with the line of each.
  static func importedModules(_ swift: SwiftText) -> [(module: String, line: Int)] {
    swift.code.enumerated().compactMap { index, line in
      var words = line.split(separator: " ").map(String.init)[...]
      let prefixes = ["public", "package", "internal", "private", "fileprivate"]
      while let word = words.first, word.hasPrefix("@") || prefixes.contains(word) {
        words = words.dropFirst()
      }
      guard words.first == "import", words.count >= 2 else { return nil }
      words = words.dropFirst()
      let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
      if words.count > 1, let kind = words.first, kinds.contains(kind) { words = words.dropFirst() }
      return words.first.flatMap { $0.split(separator: ".").first }.map { (String($0), index + 1) }
    }
  }

  static func imports(path: String, swift: SwiftText) -> [Offence] {
    guard let module = module(of: path) else { return [] }
    return importedModules(swift).compactMap { imported, line in
      guard !mayImport(module, imported) else { return nil }
      let message = "\(module) must not import \(imported); imports point one way (CONTRIBUTING.md)"
      return Offence(path: path, line: line, message: message)
    }
  }

  private static func mayImport(_ module: String, _ imported: String) -> Bool {
    if system.contains(imported) { return true }
    let isCore = heights[imported] != nil || imported == "CertificateChecker"
    let isConformance = ["ConformanceKit", "Simulator"].contains(imported)
    switch module {
    case "Specs":
      return imported == "SpecLanguage" || !(isCore || isConformance)
    case "CertificateChecker":
      return false
    case "tdxspec":
      return imported != "tdxspec"
    case "Conformance/Kit":
      return false
    case "Conformance/Simulator":
      return imported == "ConformanceKit"
    case _ where module.hasPrefix("Conformance/"):
      return !isCore
    default:
      guard let height = heights[module] else { return true }
      if imported == "ConformanceKit" { return kitUsers.contains(module) }
      if imported == "Simulator" { return simulatorUsers.contains(module) }
      guard let other = heights[imported] else { return !isCore && !isConformance }
      return other < height || siblings[module]?.contains(imported) == true
    }
  }
}
