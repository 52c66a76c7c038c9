// swift-tools-version:6.1
import Foundation
import PackageDescription

// Proofs need libz3's headers (`apt-get install libz3-dev`); everything else builds without.
let hasZ3 = ["/usr/include/z3.h", "/usr/local/include/z3.h", "/opt/homebrew/include/z3.h"]
  .contains { FileManager.default.fileExists(atPath: $0) }

let package = Package(
  name: "tdxspec",
  products: [
    .executable(name: "tdxspec", targets: ["tdxspec"]),
    .executable(name: "tdxspec-kvm", targets: ["tdxspec-kvm"]),
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
    .target(name: "TDXModuleSpecs", dependencies: ["SpecLanguage"], path: "Specs/TDXModule"),
    .target(
      name: "KVMSpecs", dependencies: ["SpecLanguage", "TDXModuleSpecs"], path: "Specs/KVM"),
    .target(
      name: "TeardownSpecs", dependencies: ["SpecLanguage", "TDXModuleSpecs", "KVMSpecs"],
      path: "Specs/Teardown"),
    .target(
      name: "GuestMemfdSpecs", dependencies: ["SpecLanguage", "TDXModuleSpecs", "KVMSpecs"],
      path: "Specs/GuestMemfd"),
    .target(
      name: "OtherArchitectureSpecs",
      dependencies: ["SpecLanguage", "TDXModuleSpecs", "KVMSpecs"],
      path: "Specs/OtherArchitectures"),
    .target(
      name: "S390Specs", dependencies: ["SpecLanguage", "TDXModuleSpecs", "KVMSpecs"],
      path: "Specs/S390"),
    .target(name: "TutorialSpecs", dependencies: ["SpecLanguage"], path: "Specs/Tutorial"),
    .target(
      name: "Catalogue",
      dependencies: [
        "SpecLanguage", "BenchmarkSpecs", "GuestMemfdSpecs", "KVMSpecs",
        "OtherArchitectureSpecs", "S390Specs", "TDXModuleSpecs", "TeardownSpecs", "TutorialSpecs",
      ],
      path: "Specs/Catalogue"),
    .target(name: "Verdicts", dependencies: ["SpecLanguage", "SpecProgram"]),
    .target(
      name: "Documents", dependencies: ["SpecLanguage", "SpecProgram", "Explorer", "Verdicts"]),
    .executableTarget(
      name: "tdxspec",
      dependencies: [
        "SpecLanguage", "SpecProgram", "Explorer", "Reductions", "CExplorerShims", "Verdicts",
        "Documents", "TraceValidation", "Simulator", "SimulatorReplay", "TestGeneration",
        "CertificateChecker", "ConformanceKit", "BackendProcess", "ConformanceReports", "Catalogue",
        "KVMBackend", "QEMUBackend", "KernelBuild",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ] + (hasZ3 ? ["SymbolicChecker"] : []),
      // Not canImport: a module of an earlier build would still be found.
      swiftSettings: hasZ3 ? [.define("HAS_Z3")] : []),
    .target(name: "TraceValidation", dependencies: ["SpecLanguage", "SpecProgram"]),
    .target(
      name: "SimulatorReplay", dependencies: ["TraceValidation", "ConformanceKit", "Simulator"]),
    .target(name: "Reductions", dependencies: ["SpecLanguage", "SpecProgram"]),
    .target(name: "Explorer", dependencies: ["SpecLanguage", "SpecProgram", "CExplorerShims"]),
    .target(name: "ConformanceKit", path: "Conformance/Kit"),
    .target(
      name: "BackendProcess", dependencies: ["ConformanceKit"], path: "Conformance/Process"),
    .target(
      name: "ConformanceReports", dependencies: ["ConformanceKit"], path: "Conformance/Reports"),
    .target(
      name: "TestGeneration",
      dependencies: ["SpecLanguage", "SpecProgram", "TraceValidation", "ConformanceKit"]),
    .target(name: "CertificateChecker"),
    .target(name: "Simulator", dependencies: ["ConformanceKit"], path: "Conformance/Simulator"),
    .target(name: "CKVM", path: "Conformance/CKVM"),
    .target(
      name: "KVMBackend", dependencies: ["ConformanceKit", "CKVM"], path: "Conformance/KVM"),
    .executableTarget(
      name: "tdxspec-kvm", dependencies: ["KVMBackend"], path: "Conformance/KVMRunner"),
    .target(
      name: "QEMUBackend", dependencies: ["ConformanceKit", "BackendProcess"],
      path: "Conformance/QEMU"),
    .target(name: "StandInSources", path: "Conformance/StandIn", exclude: ["kernel"]),
    .target(
      name: "KernelBuild", dependencies: ["StandInSources"], path: "Conformance/KernelBuild"),
    .testTarget(name: "SpecLanguageTests", dependencies: ["SpecLanguage"]),
    // Random specs and their comparison, for the tests with and without Z3. A test target, so
    // that only builds with testing enabled see it.
    .testTarget(name: "SpecFuzzing", dependencies: ["SpecLanguage", "SpecProgram"]),
    .testTarget(
      name: "SpecProgramTests",
      dependencies: ["SpecLanguage", "SpecProgram", "Catalogue", "SpecFuzzing"]),
    .testTarget(
      name: "ExplorerTests",
      dependencies: [
        "SpecLanguage", "SpecProgram", "Explorer", "CExplorerShims", "Catalogue", "SpecFuzzing",
      ]),
    .testTarget(
      name: "ReductionsTests",
      dependencies: [
        "SpecLanguage", "SpecProgram", "Explorer", "Reductions", "Catalogue", "SpecFuzzing",
      ]),
    .testTarget(
      name: "SpecsTests",
      dependencies: [
        "SpecLanguage", "SpecProgram", "Explorer", "Reductions", "Catalogue", "GuestMemfdSpecs",
        "TDXModuleSpecs",
      ]),
    .testTarget(
      name: "TraceValidationTests",
      dependencies: [
        "TraceValidation", "SpecLanguage", "SpecProgram", "Catalogue", "TestGeneration",
        "ConformanceKit",
      ]),
    .testTarget(name: "ConformanceKitTests", dependencies: ["ConformanceKit"]),
    .testTarget(
      name: "TestGenerationTests",
      dependencies: [
        "TestGeneration", "SpecLanguage", "SpecProgram", "ConformanceKit", "Catalogue",
      ]),
    .testTarget(
      name: "CertificateCheckerTests",
      dependencies: [
        "CertificateChecker", "TestGeneration", "SpecLanguage", "SpecProgram", "ConformanceKit",
        "Catalogue",
      ]),
    .testTarget(
      name: "BackendTests",
      dependencies: ["ConformanceKit", "BackendProcess", "ConformanceReports"]),
    .testTarget(
      name: "SimulatorTests",
      dependencies: ["ConformanceKit", "Simulator", "SimulatorReplay", "TraceValidation"]),
    .testTarget(
      name: "KernelBackendTests",
      dependencies: [
        "ConformanceKit", "BackendProcess", "KVMBackend", "CKVM", "QEMUBackend", "tdxspec-kvm",
        "KernelBuild",
        "TestGeneration",
      ]),
    .testTarget(name: "TidyTests"),
    .testTarget(name: "VerdictsTests", dependencies: ["SpecLanguage", "Verdicts"]),
    .testTarget(
      name: "DocumentsTests",
      dependencies: [
        "SpecLanguage", "SpecProgram", "Explorer", "Verdicts", "Documents", "Catalogue",
      ]),
    .testTarget(
      name: "GoldenTests", dependencies: ["SpecLanguage", "Catalogue"], exclude: ["Golden"]),
    .testTarget(
      name: "CommandLineTests", dependencies: ["tdxspec"] + (hasZ3 ? ["SymbolicChecker"] : []),
      exclude: ["Golden"],
      swiftSettings: hasZ3 ? [.define("HAS_Z3")] : []),
  ],
  swiftLanguageModes: [.v6]
)

if hasZ3 {
  package.targets += [
    .systemLibrary(name: "CZ3", providers: [.apt(["libz3-dev"]), .brew(["z3"])]),
    .target(
      name: "SymbolicChecker", dependencies: ["CZ3", "SpecLanguage", "SpecProgram"]),
    .testTarget(
      name: "SymbolicCheckerTests",
      dependencies: [
        "SymbolicChecker", "SpecLanguage", "SpecProgram", "Explorer", "Catalogue", "SpecFuzzing",
        "BenchmarkSpecs",
      ]),
  ]
}
