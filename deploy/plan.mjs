// Plans a country out of measured unit costs: processors, memory, disks, network, partitions, time.
//
// `node deploy/plan.mjs` prints the tables of ARCHITECTURE.md, "Beyond one city"; a test compares
// them. Units are measurements of this repository, each with the command that gave it; what is
// assumed is said to be, and is here to be changed.

const units = {
  ours: { value: 1.85, unit: 'CPU-µs a reading, ours', from: '`bench kafka`, four processes together, the worst of three runs of an earlier tree' },
  brokers: { value: 4.2, unit: "CPU-µs a reading, brokers'", from: 'the same, three brokers together, the worst of three runs' },
  stored: { value: 24, unit: 'bytes a reading in `input`, not compressed', from: 'a partition of it in `bench take-over`: 57.6 MB for 2.4 million readings' },
  series: { value: 11_300, unit: 'bytes a series', from: '`bench recovery`: resident memory of a gauge with 72 h of minutes' },
  person: { value: 24, unit: 'bytes a person', from: '`bench targeting --people 5000000`, resident memory of the whole process' },
  reading: { value: 67, unit: 'bytes a person while the directory is read', from: 'the same, the highest, from CSV' },
  message: { value: 1.82, unit: 'CPU-µs a message', from: '`bench sms`, a receipt each' },
  outcome: { value: 24, unit: 'bytes a message, at most', from: 'semantics §38: ranges of outcomes on disk' },
  sessions: { value: 6, unit: 's until a dead process is missed', from: '`session_timeout_ms`, as shipped' },
  takeOver: { value: 2.64, unit: 's more for 20,000 series', from: '`bench take-over`: kill -9 of an owner to the first warning of the next, slowest of three runs' },
};

const country = {
  provinces: 31,
  sensors: 5_000_000,
  people: 1_000_000_000,
  // Assumed: every sensor reports each minute, as rain gauges do in a storm.
  everySeconds: 60,
  districts: 2_978,
  // Assumed: the largest province has four times its even share.
  largest: 4,
  // Assumed: what the carriers of one province take together, messages a second.
  carriers: 30_000,
  links: 16,
  copies: 3,
  // Assumed: how long `series` is kept, days; `input` goes with its second snapshot. A reading in a
  // sealed row takes two bytes before compression; dry gauges, as those of the benches, next to none.
  seriesDays: 365,
  seriesBytes: 2,
  // Assumed: a processor is planned to be half busy, and a core with 8 GB costs so much a month.
  busy: 0.5,
  coreMonth: 150,
  gbMonth: 0.3,
};

const number = (value, digits = 0) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** What a share of the country needs, in the units' terms: pairs of a name and a text. */
function needs(share) {
  const sensors = country.sensors * share;
  const people = country.people * share;
  const readings = sensors / country.everySeconds;
  const zones = Math.ceil(country.districts * share) + 1;
  // Input, warnings, series and snapshots by zone; deliveries, receipts and ledger by link; three more.
  const partitions = zones * 4 + country.links * 3 + 3;
  const wire = readings * units.stored.value;
  const ours = (readings * units.ours.value) / 1e6;
  const brokers = (readings * units.brokers.value) / 1e6;
  const disk = (readings * country.seriesBytes * 86_400 * country.seriesDays * country.copies) / 1e9;
  const resident = (sensors * units.series.value * 2 + people * units.reading.value * 4) / 1e9;
  // Cores for the load and for memory at 8 GB a core, whichever is more; four processes at the least.
  const cores = Math.max(Math.ceil((ours + brokers) / country.busy), Math.ceil(resident / 8), 8);
  return [
    ['sensors, a reading a minute each', number(sensors)],
    ['readings a second', number(readings)],
    ['our processes, cores fully busy', number(ours, 2)],
    ['brokers, cores fully busy', number(brokers, 2)],
    ['zones; partitions of all topics', `${number(zones)}; ${number(partitions)}`],
    ['`series` of a year, three copies, TB', number(disk / 1000, 1)],
    // In once, to two followers, to the zone's owner and to two consoles.
    ['network of the brokers, MB/s', number((wire * (1 + (country.copies - 1) + 3)) / 1e6, 1)],
    ['memory of windows, GB', number((sensors * units.series.value) / 1e9, 1)],
    ['people', number(people)],
    ['memory of the directory in each process, GB', number((people * units.person.value) / 1e9, 1)],
    ['series a rules process owns, of four', number(sensors / 4)],
    // Windows are read by one thread a zone: as long for each series, whatever their number.
    [
      'warning again after one of four is killed, s',
      number(units.sessions.value + (sensors / 4 / 20_000) * units.takeOver.value, 1),
    ],
    ['one message to everybody: our CPU, s', number((people * units.message.value) / 1e6)],
    ['… outcomes on disk, GB, at most', number((people * units.outcome.value) / 1e9, 1)],
    ["… at the carriers' pace, min", number(people / country.carriers / 60)],
    ['cores to buy, 8 GB each', number(cores)],
    ['cost a month, CNY', number(cores * country.coreMonth + disk * country.gbMonth)],
  ];
}

const even = needs(1 / country.provinces);
const largest = needs(country.largest / country.provinces);
const whole = needs(1);

const rows = [
  '| unit | figure | measured by |',
  '|---|---|---|',
  ...Object.values(units).map(({ value, unit, from }) => `| ${unit} | ${number(value, value % 1 ? 2 : 0)} | ${from} |`),
  '',
  '| | a province, even share | the largest | one deployment for all |',
  '|---|---|---|---|',
  ...even.map(([name, value], at) => `| ${name} | ${value} | ${largest[at][1]} | ${whole[at][1]} |`),
];
console.log(rows.join('\n'));
