import BenchmarkSpecs
import GuestMemfdSpecs
import KVMSpecs
import OtherArchitectureSpecs
import S390Specs
import SpecLanguage
import TDXModuleSpecs
import TeardownSpecs
import TutorialSpecs

/// Every bundled spec.
public enum Catalogue {
  public static var all: [CatalogueEntry] {
    [
      BenchmarkSpecs.all, GuestMemfdSpecs.all, KVMSpecs.all, OtherArchitectureSpecs.all,
      S390Specs.all, TDXModuleSpecs.all, TeardownSpecs.all, TutorialSpecs.all,
    ].flatMap { $0 }
  }

  /// The spec with this name, such as `teardown/mainline`.
  public static func entry(named name: String) -> CatalogueEntry? {
    all.first { $0.name == name }
  }
}
