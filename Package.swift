// swift-tools-version:6.1
import PackageDescription

let package = Package(
  name: "tdxspec",
  products: [
    .library(name: "SpecLanguage", targets: ["SpecLanguage"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .target(name: "SpecLanguage"),
    .target(name: "SpecProgram", dependencies: ["SpecLanguage"]),
    .target(name: "CExplorerShims"),
    .target(
      name: "BenchmarkSpecs", dependencies: ["SpecLanguage"], path: "Specs/Benchmarks"),
    .executableTarget(
      name: "scratch",
      dependencies: ["SpecLanguage", "SpecProgram", "Explorer", "BenchmarkSpecs"]),
    .target(name: "Explorer", dependencies: ["SpecLanguage", "SpecProgram", "CExplorerShims"]),
  ],
  swiftLanguageModes: [.v6]
)
