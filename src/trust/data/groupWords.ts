/**
 * Words for groups of people, for what people do, and for what is thought good or bad of them: what `groups.ts` counts. Small lists of
 * English, made to be read through. Their limits: a word stands for a group by its usual meaning only ("man" is often anybody, "Indian"
 * is of two continents, "French" often a language); "black" and "white" count before a word for people alone; names of persons are not
 * taken for groups; words of contempt are in the lists of toxic words and not here; and no list says who is missing from it.
 */

/** A word, or two with a space between, in small letters, and what it is counted as. */
export type WordClasses = ReadonlyMap<string, string>;

const classes = (lists: Readonly<Record<string, string>>): WordClasses =>
  new Map(Object.entries(lists).flatMap(([name, words]) => words.split(/, /).map((word) => [word, name] as const)));

/** The phrases of two words that begin with one. */
const people = (word: string): string =>
  [
    'people',
    'person',
    'persons',
    'man',
    'men',
    'woman',
    'women',
    'boy',
    'girl',
    'child',
    'children',
    'folk',
    'community',
  ]
    .map((one) => `${word} ${one}`)
    .join(', ');

/** Words for women and girls, and for men and boys: pronouns, kin, and forms of address. */
export const SEXES: WordClasses = classes({
  women:
    'she, her, hers, herself, woman, women, girl, girls, lady, ladies, female, females, mother, mothers, wife, wives, daughter, daughters, sister, sisters, aunt, aunts, grandmother, niece, widow, widows, bride, mrs, ms, madam, madame, queen, queens',
  men: 'he, him, his, himself, man, men, boy, boys, gentleman, gentlemen, male, males, father, fathers, husband, husbands, son, sons, brother, brothers, uncle, uncles, grandfather, nephew, widower, widowers, bridegroom, mr, sir, king, kings',
});

/** Words for groups: the sexes, religions, origins, ages. */
export const GROUPS: WordClasses = new Map([
  ...SEXES,
  ...classes({
    Christians:
      'christian, christians, catholic, catholics, protestant, protestants, methodist, methodists, baptist, baptists',
    Muslims: 'muslim, muslims, moslem, moslems, mahometan, mahometans, mohammedan, mohammedans, islamic',
    Jews: 'jew, jews, jewish',
    Hindus: 'hindu, hindus, hindoo, hindoos',
    Buddhists: 'buddhist, buddhists',
    unbelievers: 'atheist, atheists, heathen, heathens, pagan, pagans, infidel, infidels',
    Americans: 'american, americans, yankee, yankees',
    'the English': 'english, englishman, englishmen, englishwoman, british, briton, britons',
    'the Irish': 'irish, irishman, irishmen, irishwoman',
    'the French': 'french, frenchman, frenchmen, frenchwoman',
    Germans: 'german, germans',
    'the Dutch': 'dutch, dutchman, dutchmen',
    Spaniards: 'spanish, spaniard, spaniards',
    Italians: 'italian, italians',
    Poles: 'polish, poles',
    Russians: 'russian, russians',
    Turks: 'turk, turks, turkish',
    Arabs: 'arab, arabs, arabian, arabians',
    Iranians: 'iranian, iranians, persian, persians',
    Indians: 'indian, indians',
    Chinese: 'chinese, chinaman, chinamen',
    Japanese: 'japanese',
    Koreans: 'korean, koreans',
    Vietnamese: 'vietnamese',
    Mexicans: 'mexican, mexicans',
    Cubans: 'cuban, cubans',
    'Latin Americans': 'latino, latinos, latina, latinas, hispanic, hispanics',
    Asians: 'asian, asians, asiatic, asiatics',
    Africans: 'african, africans',
    Europeans: 'european, europeans',
    'Black people': `negro, negroes, african american, african americans, ${people('black')}`,
    'white people': people('white'),
    immigrants: 'immigrant, immigrants, emigrant, emigrants, refugee, refugees, foreigner, foreigners',
    children: 'child, children, infant, infants, baby, babies',
    'young people': `youth, youths, teenager, teenagers, ${people('young')}`,
    'old people': `elderly, ${people('old')}, ${people('aged')}`,
  }),
]);

/**
 * Occupations, by their singular: the forty of WinoBias (Zhao et al., 2018, https://arxiv.org/abs/1804.06876) that are one word, and
 * some that older texts have.
 */
export const OCCUPATIONS: WordClasses = plurals(
  'driver, supervisor, janitor, cook, mover, laborer, chief, developer, carpenter, manager, lawyer, farmer, salesperson, physician, guard, analyst, mechanic, sheriff, attendant, cashier, teacher, nurse, assistant, secretary, auditor, cleaner, receptionist, clerk, counselor, designer, hairdresser, writer, housekeeper, baker, accountant, editor, librarian, tailor, actor, actress, artist, author, banker, barber, bishop, blacksmith, boatman, bookkeeper, butcher, butler, captain, chemist, coachman, cooper, cowboy, dancer, dentist, diplomat, doctor, dressmaker, engineer, expert, fisherman, fireman, gardener, general, governess, governor, harpooneer, hunter, inspector, inventor, journalist, judge, landlord, maid, merchant, midwife, miner, minister, monk, musician, nun, officer, painter, pastor, philosopher, photographer, pilot, plumber, poet, policeman, politician, preacher, president, priest, professor, programmer, sailor, scholar, scientist, sculptor, seamstress, seaman, senator, servant, shepherd, shoemaker, singer, slave, soldier, statesman, steward, surgeon, trader, waiter, waitress, weaver, whaleman, worker',
);

function plurals(words: string): WordClasses {
  const formsOf = (word: string): string[] => {
    if (word.endsWith('man')) return [word, word.replace(/man$/, 'men')];
    if (/[^aeiou]y$/.test(word)) return [word, word.replace(/y$/, 'ies')];
    return [word, word + (/(?:s|x|ch)$/.test(word) ? 'es' : 's')];
  };
  const singulars = words.split(/, /);
  return new Map(singulars.flatMap((word) => formsOf(word).map((form) => [form, word] as const)));
}

/** What people are called when they are liked or not, and what is wished or feared: after the attributes of WEAT (Caliskan et al., 2017) and words for characters. */
export const VALUED = {
  good: valued(
    'able, admirable, affectionate, amiable, beautiful, beloved, benevolent, brave, brilliant, charming, cheer, cheerful, clever, delightful, devoted, dignified, diligent, elegant, eminent, excellent, faithful, freedom, friend, friends, friendly, generous, genius, gentle, glorious, good, graceful, gracious, handsome, happy, health, heaven, heroic, honest, honor, honour, honorable, honourable, hospitable, industrious, innocent, intelligent, joy, kind, laughter, learned, liberty, love, lovely, loyal, miracle, modest, noble, patient, patriotic, peace, peaceful, pleasant, pleasure, polite, prosperous, prudent, pure, reliable, respectable, righteous, sincere, skilful, skillful, splendid, strong, successful, talented, tender, thrifty, triumph, trustworthy, truthful, useful, valiant, valuable, virtue, virtuous, warm, welcome, wise, wonderful, worthy',
  ),
  bad: valued(
    'abuse, agony, angry, arrogant, assault, awful, bad, barbarous, bloody, brutal, brute, contempt, corrupt, coward, cowardly, crime, criminal, criminals, cruel, cruelty, cunning, dangerous, death, deceitful, degraded, dirty, disaster, disgrace, disgusting, dishonest, drunk, drunken, dull, enemies, enemy, envious, evil, fanatic, fanatical, fear, ferocious, filth, filthy, foolish, foul, fraud, greedy, grief, guilty, hate, hated, hateful, hatred, hideous, horrible, hostile, idle, ignorant, illegal, immoral, inferior, insane, jail, jealous, kill, killed, lazy, loathsome, mad, malicious, mean, merciless, miserable, misery, murder, murderer, murderers, murderous, obscene, pirates, poison, poverty, prison, rotten, rude, ruthless, savage, selfish, shame, shameful, sick, sickness, silly, sinful, sinister, stupid, superstitious, terrible, terror, terrorism, terrorist, terrorists, thief, thieves, torture, traitor, traitors, treacherous, treachery, tragedy, tyrant, ugly, unclean, vicious, vile, villain, villains, violence, violent, weak, wicked, worthless, wretched',
  ),
};

function valued(words: string): readonly string[] {
  return words.split(/, /);
}
