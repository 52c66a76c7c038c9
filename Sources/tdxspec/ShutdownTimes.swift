/// A published time to shut a TD down (kvm-tdx §5.0; seed 000, seed 001).
struct ShutdownTime {
  let vcpus: Int
  let gibibytes: Int
  /// Seconds with pages removed one by one.
  let before: Double
  /// Seconds with pages reclaimed after the HKID was released.
  let after: Double

  static let published = [
    ShutdownTime(vcpus: 4, gibibytes: 18, before: 72, after: 24),
    ShutdownTime(vcpus: 32, gibibytes: 107, before: 517, after: 134),
    ShutdownTime(vcpus: 64, gibibytes: 400, before: 5539, after: 467),
  ]

  /// 4 KiB pages; the mails do not say whether they count in GiB or GB.
  var pages: Double { Double(gibibytes) * 262_144 }
}

/// Times for some kinds of events that explain measured totals best.
struct CostFit {
  /// Seconds an event, in the order of the counts' columns.
  let seconds: [Double]
  /// Predicted over measured time, a row each.
  let ratios: [Double]

  /// Least squares of the relative errors, without negative times: a column whose time would be
  /// negative explains nothing and gets 0.
  ///
  /// - Parameter rows: for each measurement the counts of one or two kinds of events, and seconds.
  init(_ rows: [(counts: [Double], seconds: Double)]) {
    let scaled = rows.map { row in row.counts.map { $0 / row.seconds } }
    let columns = rows.first?.counts.count ?? 0
    let best = Self.subsets(columns).map { Self.solve(scaled, $0, columns) }
      .filter { $0.allSatisfy { $0 >= 0 } }
      .min { Self.error(scaled, $0) < Self.error(scaled, $1) }
    let seconds = best ?? [Double](repeating: 0, count: columns)
    self.seconds = seconds
    ratios = scaled.map { row in zip(row, seconds).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  private static func subsets(_ columns: Int) -> [[Int]] {
    (1..<(1 << columns)).map { mask in (0..<columns).filter { mask >> $0 & 1 == 1 } }
  }

  private static func error(_ rows: [[Double]], _ seconds: [Double]) -> Double {
    rows.reduce(0) { sum, row in
      let off = zip(row, seconds).reduce(-1) { $0 + $1.0 * $1.1 }
      return sum + off * off
    }
  }

  /// The normal equations for some of the columns, by elimination.
  private static func solve(_ rows: [[Double]], _ used: [Int], _ columns: Int) -> [Double] {
    var matrix = used.map { i in
      used.map { j in rows.reduce(0) { $0 + $1[i] * $1[j] } } + [rows.reduce(0) { $0 + $1[i] }]
    }
    for pivot in matrix.indices {
      guard abs(matrix[pivot][pivot]) > 1e-300 else {
        return [Double](repeating: -1, count: columns)
      }
      for row in matrix.indices where row != pivot {
        let factor = matrix[row][pivot] / matrix[pivot][pivot]
        for column in matrix[row].indices { matrix[row][column] -= factor * matrix[pivot][column] }
      }
    }
    var result = [Double](repeating: 0, count: columns)
    for (row, column) in used.enumerated() {
      result[column] = matrix[row][used.count] / matrix[row][row]
    }
    return result
  }
}
