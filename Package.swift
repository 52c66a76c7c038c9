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
  ],
  swiftLanguageModes: [.v6]
)
