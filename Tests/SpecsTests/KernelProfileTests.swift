import GuestMemfdSpecs
import SpecLanguage
import Testing

@Suite("Kernels of gmem/mainline") struct KernelProfileTests {
  @Test("PROFILE counts the kernels from the oldest") func numbers() {
    #expect(KernelProfile.allCases.map(\.rawValue) == ["6.12", "6.18", "7.2", "7.3"])
    #expect(KernelProfile.allCases.map(\.number) == [0, 1, 2, 3])
  }

  @Test("the table is read with the spec, a row a difference") func table() throws {
    let table = try #require(SpecDescription(GmemMainline()).tables.first)
    #expect(table.columns == ["fact", "0: 6.12", "1: 6.18", "2: 7.2", "3: 7.3"])
    let overlap = try #require(table.rows.first { $0[0].contains("overlapping") })
    #expect(overlap.dropFirst() == ["no", "no", "yes", "yes"])
    let mmap = try #require(table.rows.first { $0[0].contains("MMAP") })
    #expect(mmap.dropFirst() == ["no", "yes", "yes", "yes"])
  }
}
