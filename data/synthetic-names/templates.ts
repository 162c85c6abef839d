/**
 * Sentences with slots. {PER}, {LOC} and {ORG} become tagged names; {PER1} is a surname alone; the other slots are filled with
 * plain words from `FILLERS`. Tokens are separated by spaces. Some sentences hold no name, and capitals that are none.
 */
export const TEMPLATES: readonly string[] = `
{PER} , the {role} of {ORG} , said on {day} that {event} .
{PER} was born in {LOC} in {year} .
{PER} moved from {LOC} to {LOC} to work for {ORG} .
{ORG} will open a new {building} in {LOC} next {season} .
{ORG} said it had appointed {PER} as its new {role} .
Shares of {ORG} rose {number} percent after {event} .
The {role} of {ORG} , {PER} , could not be reached on {day} .
{PER} and {PER} met in {LOC} on {day} to discuss {topic} .
Police in {LOC} said that {PER1} had been seen near the {building} .
{ORG} and {ORG} agreed to share the cost of a {building} near {LOC} .
Mr. {PER1} told reporters that {event} .
Mrs. {PER1} taught {subject} in {LOC} for {number} years .
Dr. {PER1} studied {subject} at {ORG} .
The road from {LOC} to {LOC} was closed on {day} .
Heavy rain fell on {LOC} and the villages around it .
In {LOC} , {number} people waited outside the {building} .
{PER1} , who joined {ORG} in {year} , has never lived in {LOC} .
" We are proud of {PER} , " said a {role} of {ORG} .
The {adjective} {building} in {LOC} belongs to {ORG} .
{PER} wrote a {adjective} book about {topic} .
{PER} flew to {LOC} on {day} and returned in {month} .
{ORG} lost {number} jobs in {LOC} because {event} .
A {role} from {LOC} sued {ORG} over {topic} .
{PER} beat {PER} in the final , which was played in {LOC} .
{LOC} is {number} miles north of {LOC} .
The mayor of {LOC} , {PER} , thanked {ORG} .
According to {PER} , {event} .
{PER} ( {LOC} ) finished ahead of {PER} ( {LOC} ) .
{ORG} , based in {LOC} , makes {product} .
{ORG} sold {number} {product} in {month} .
{PER} bought {number} {product} from {ORG} .
The {role} , {PER} , praised the people of {LOC} .
{event} , {PER1} said .
{PER} left {ORG} after {number} years .
Lawyers for {ORG} met {PER1} in {LOC} .
She asked {PER} to bring the {product} to {LOC} .
He remembered {LOC} as a {adjective} place .
They travelled through {LOC} , {LOC} and {LOC} .
{ORG} is looking for a {role} who knows {subject} .
A train from {LOC} arrived {number} minutes late .
{PER} , {PER} and {PER} founded {ORG} in {year} .
Neither {PER1} nor {PER1} wanted to talk about {topic} .
The {building} was designed by {PER} .
{ORG} published a report on {topic} in {month} {year} .
Critics of {ORG} say that {event} .
{PER} studied {subject} in {LOC} before joining {ORG} .
The {product} made by {ORG} were shipped to {LOC} .
Residents of {LOC} complained about {topic} .
{PER1} 's {adjective} speech in {LOC} surprised everyone .
{ORG} 's {role} resigned on {day} .
{LOC} 's {adjective} {building} burned down in {year} .
Last {month} , {PER} visited {LOC} for the first time .
A letter from {PER1} was found in a {building} in {LOC} .
{PER} won a prize for {subject} from {ORG} .
Students of {ORG} marched through {LOC} .
The weather in {LOC} was {adjective} on {day} .
{ORG} has offices in {LOC} and {LOC} .
My neighbour {PER} works as a {role} .
Ask {PER} whether {event} .
Both {ORG} and {ORG} refused to comment .
{PER} drove from {LOC} to the {building} in {number} hours .
The {adjective} {role} was replaced by {PER} .
Nobody in {LOC} had heard of {ORG} .
{PER} signed the contract with {ORG} in {LOC} .
Farmers near {LOC} sell {product} to {ORG} .
An old friend of {PER} lives in {LOC} .
Miss {PER1} sold her {product} and went to {LOC} .
The case of {PER1} against {ORG} begins on {day} .
{PER} , {number} , of {LOC} , was named {role} of the year .
When {PER} arrived , {event} .
{ORG} rejected the offer by {ORG} as {adjective} .
In {month} , {ORG} hired {PER} .
The river near {LOC} rose by {number} feet .
{PER} spoke about {topic} at {ORG} .
After the war {PER1} settled near {LOC} .
For years , {ORG} paid {PER1} as a {role} .
Nurses at {ORG} went on strike on {day} .
The library of {ORG} holds a map of {LOC} .
We stayed in {LOC} for {number} days .
It was {PER} who told {PER} that {event} .
Trade between {LOC} and {LOC} grew in {year} .
{PER1} joined {ORG} as a {role} in {month} .
A spokesman for {ORG} said : " {PER} did nothing wrong . "
Workers of {ORG} in {LOC} stopped work on {day} .
The film , directed by {PER} , was shot in {LOC} .
{PER} plays for {ORG} .
{ORG} beat {ORG} by {number} points in {LOC} .
Captain {PER1} reached {LOC} in {month} {year} .
The committee thanked {PER1} for the {adjective} report .
On {day} , {event} .
The {role} said that {event} .
In {month} , the {adjective} {building} was closed for {number} days .
Nobody bought the {product} , since {event} .
{number} {product} were sold on {day} .
The {role} knew nothing about {topic} .
On Christmas Day the {building} is closed .
" {event} , " the {role} said .
Some English {product} are {adjective} .
The {subject} teacher left in {month} .
I think that {topic} will matter more in {year} .
`
  .trim()
  .split('\n');

/** Plain words for the other slots. */
export const FILLERS: Readonly<Record<string, readonly string[]>> = {
  role: 'director,chairman,treasurer,spokeswoman,manager,engineer,editor,coach,president,secretary,architect,doctor,lawyer,founder,captain'.split(
    ',',
  ),
  day: 'Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday'.split(','),
  month: 'January,February,April,June,July,August,September,October,November,December'.split(','),
  season: 'spring,summer,autumn,winter,year'.split(','),
  year: Array.from({ length: 60 }, (_, i) => String(1950 + i)),
  number: ['two', 'three', 'seven', 'eleven', ...Array.from({ length: 60 }, (_, i) => String(12 + i))],
  building: 'factory,school,hospital,station,bridge,museum,warehouse,hotel,library,office,theatre,airport'.split(','),
  subject: 'history,physics,law,medicine,music,geography,chemistry,economics,painting,biology'.split(','),
  adjective: 'old,new,large,famous,quiet,expensive,cold,beautiful,strange,modern,small,difficult'.split(','),
  product: 'engines,shoes,bottles,cars,books,tickets,computers,apples,clocks,carpets,pumps,cameras'.split(','),
  topic: [
    'the price of bread',
    'the new tax',
    'clean water',
    'the election',
    'noise at night',
    'the strike',
    'foreign trade',
    'the old harbour',
    'public health',
    'the next season',
  ],
  event: [
    'prices had fallen again',
    'the talks had failed',
    'a decision would be made soon',
    'the plan was too expensive',
    'sales were better than expected',
    'the roof had to be repaired',
    'nobody had been hurt',
    'the machines were too old',
    'the vote had been delayed',
    'there was not enough snow',
    'the tickets were sold out',
  ],
};

/** What names of organisations are composed of, beside surnames and cities. */
export const INDUSTRIES = 'Steel,Motor,Insurance,Railway,Chemical,Shipping,Paper,Energy,Textile,Brewing'.split(',');
export const COMPANIES = 'Company,Corporation,Group,Limited,Holdings'.split(',');
export const BODIES = 'Institute,Foundation,Museum,Hospital,College,Trust'.split(',');
export const TEAMS = 'United,Rovers,Athletic,Wanderers'.split(',');

/** Capitalized words that stand in sentences without naming anything, or in all names of a kind; no name may hold them. */
export const FIXED_WORDS: ReadonlySet<string> = new Set(
  [...TEMPLATES, Object.values(FILLERS), INDUSTRIES, COMPANIES, BODIES, TEAMS, 'University', 'Bank']
    .flat(2)
    .flatMap((text) => text.split(' '))
    .filter((word) => /^[A-Z]/.test(word)),
);
