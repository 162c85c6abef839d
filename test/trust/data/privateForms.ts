/** The twelve forms of private data and their look-alikes, in the sentences and lines in which people, letters, logs and settings have them. */
import type { Draw } from '../../harm/mutate.ts';
import {
  BASE64,
  between,
  cardDigits,
  dateOf,
  digits,
  english,
  FIRST,
  filled,
  german,
  HOSTS,
  ibanOf,
  list,
  localOf,
  type Make,
  MIXED,
  octets,
  pem,
  pick,
  signs,
  v6,
  withLuhn,
  written,
} from './privateThings.ts';

/** Sentences and lines in which it stands: {} is the item. */
export interface Form {
  readonly form: string;
  readonly items: Make;
  readonly frames: readonly string[];
  readonly lookAlikes: readonly (string | Make)[];
}

export const FORMS: readonly Form[] = [
  {
    form: 'email',
    items: (draw) => {
      const [local, host] = [localOf(draw), pick(HOSTS, draw)];
      const ascii = local.normalize('NFD').replace(/\p{M}/gu, '');
      return pick(
        [
          ...Array.from({ length: 7 }, () => `${local}@${host}`),
          ...[
            `${ascii} at ${host.replaceAll('.', ' dot ')}`,
            `${ascii} [at] ${host.replaceAll('.', ' [dot] ')}`,
            `${ascii}(at)${host}`,
          ],
          ...[`${ascii} AT ${host.replaceAll('.', ' DOT ')}`, `${ascii}@${host.toUpperCase()}`],
        ],
        draw,
      );
    },
    frames: list(`write to {} and say so ¦ my address is {}. ¦ From: {} ¦ mail me ({}) before noon ¦ <{}> ¦ mailto:{} ¦
contact {}, or the harbour master ¦ "{}" ¦ Ask {}! ¦ * {} *`),
    lookAlikes:
      list(`@Component({ selector: "app" }) ¦ npm install react@18.2.0 ¦ see icon@2x.png ¦ the type is a@b here ¦ foo@bar ¦
@ada wrote this ¦ git clone git@github.com:whale/ship.git ¦ oil @ 20 dollars a barrel ¦ user@localhost ¦
look at amazon dot com prices ¦ they met at noon dot on time ¦ x = A @ B.T ¦ we stayed at the dot com house ¦
meet me @ the dock ¦ @media (max-width: 600px) ¦ logo@3x.webp ¦ C@t ¦ at 9 dot 5 ¦ @import url(style.css) ¦
pkg@latest ¦ @ 5.com ¦ name@ ¦ @param {number} whale.size ¦ a look at example.com shows ¦ root@whale:~# ls`),
  },
  {
    form: 'phone',
    items: (draw) =>
      filled(
        pick(
          list(`(N12) 555-01## ¦ N02-555-01## ¦ N03.555.01## ¦ 1-N05-555-01## ¦ +1 N06 555 01## ¦ +1-N07-555-01## ¦
+1 (N08) 555-01## ¦ +44 20 7946 0### ¦ +44 (0)20 7946 0### ¦ 020 7946 0### ¦ 0161 496 0### ¦ 07700 900### ¦
07700900### ¦ (0117) 496 0### ¦ 01632 960### ¦ +49 30 2312 5### ¦ +49 (0)30 23125### ¦ 030/23125### ¦
0171-39200## ¦ (030) 23125 ### ¦ 089 / 99998 ### ¦ 0049 30 23125### ¦ +33 1 99 00 ## ## ¦ 01 99 00 ## ## ¦
+4930231255## ¦ +91 98765 43### ¦ N09/555-01## ¦ +46 8 505 00 ###`),
          draw,
        ),
        draw,
      ),
    frames:
      list(`call {} after six ¦ Tel. {} ¦ her number is {} ¦ Phone: {} ¦ Fax {} ¦ ring {}, please ¦ {} ¦ reach us at {}. ¦
Telefon: {} ¦ ({}) ¦ or dial {} and ask for the mate`),
    lookAlikes:
      list(`in 1990-1995 ¦ from 1850 to 1851 ¦ 2001-02-03 ¦ 10:30-12:45 ¦ ISBN 0-306-40615-2 ¦ ISBN 978-0-306-40615-7 ¦
order no. 4451-228-7190 ¦ 3.14159265358979 ¦ 1,234,567,890 barrels ¦ on 01.02.2003 ¦ $200-300-4000 ¦
the 2002-08-22 18:26:25 entry ¦ invoice 0451-2287133 ¦ 12 345 678 inhabitants ¦ pages 210-245 ¦ open 0900-1700 ¦
#212-555-0123-77 ¦ 1.800.000.000 ¦ ticket 303-555-012 ¦ RFC 2822-2045 ¦ 40.7128, -74.0060 ¦
matrix 200 300 4000 512 ¦ 192.0.2.1.5 ¦ +100 points ¦ item 0123456789`),
  },
  {
    form: 'card',
    items: (draw) => written(cardDigits(draw), draw),
    frames:
      list(`charged to {} on Monday ¦ card: {} ¦ Visa {} ¦ pay with {}, exp. 09/27 ¦ the number on it was {}. ¦ "{}" ¦
cc={} ¦ He read out {} twice ¦ Kreditkarte {} ¦ | {} |`),
    lookAlikes: [
      ...Array.from(
        { length: 15 },
        (): Make => (draw) => {
          const right = cardDigits(draw);
          const wrong = right.slice(0, -1) + ((Number(right.at(-1)) + 1 + draw(9)) % 10);
          return pick([`order ${wrong}`, `tracking ${written(wrong, draw)}`, written(wrong, draw)], draw);
        },
      ),
      ...[
        (draw: Draw) => `serial ${withLuhn(`9${digits(14, draw)}`)}`,
        (draw: Draw) => `id 0${withLuhn(`4${digits(14, draw)}`)}7`,
        '1234 5678 9012 3456',
        '0000 0000 0000 0000',
        '3.141592653589793238',
        '20020822182625 20020823',
      ],
      ...[
        (draw: Draw) => `EAN ${digits(13, draw).replace(/^./, '9')}`,
        '1111-1111-1111-1111',
        '4 8 15 16 23 42',
        'f4111111111111111',
      ],
    ],
  },
  {
    form: 'iban',
    items: (draw) => ibanOf(draw, true),
    frames:
      list(`transfer it to {} ¦ IBAN: {} ¦ account {} at the bank ¦ Konto {} ¦ pay {} by Friday. ¦ IBAN {}, BIC EXAMPLEX ¦
({}) ¦ from {} to the owners`),
    lookAlikes: [
      ...Array.from({ length: 17 }, (): Make => (draw) => ibanOf(draw, false)),
      ...list(`VIN 1HGCM82633A004352 ¦ ISIN US0378331005 ¦ GB29 is the road ¦ DE12 3456 ¦ part AB12CD34EF56GH78 ¦
HTTP11 2616 2068 1945 ¦ BE68539007 ¦ XX82WEST12345698765432`),
    ],
  },
  {
    form: 'ipv4',
    items: octets,
    frames: list(`from {} at night ¦ [{}] ¦ host {} refused ¦ {} - - "GET / HTTP/1.0" 200 ¦ Received: from mast ({}) ¦
http://{}/index.html ¦ ssh root@{} ¦ the address {}. ¦ ping {}:8080 ¦ blocked {}, again`),
    lookAlikes:
      list(`section 1.2.3.4 ¦ version 10.0.19.1 ¦ § 4.12.1.3 ¦ see 1.2.3 ¦ v2.14.0.1 ¦ OID 1.3.6.1.4.1.311 ¦ 256.300.1.2 ¦
1.2.3.4.5 ¦ chapter 3.2.1.1 says ¦ Chrome/91.0.4472.124 ¦ 127.0.0.1 ¦ 0.0.0.0 ¦ mask 255.255.255.0 ¦
kernel 2.6.18.8 ¦ on 12.03.2001 ¦ release 4.10.2.7 ¦ 10.000.000 ¦ 1.234.567.890 ¦ paragraph 11.2.10.4 ¦
build 6.1.7601.17514 ¦ 999.1.1.1 ¦ figure 2.1.1.3 ¦ firmware 3.0.24.8 ¦ 1.1.2.2x ¦ firefox 3.6.28.1`),
  },
  {
    form: 'ipv6',
    items: v6,
    frames: list(`from {} at night ¦ host {} refused ¦ http://[{}]/ ¦ ping6 {} ¦ address {}, again ¦ the router is {}. ¦
inet6 {} prefixlen 64 ¦ ({}) ¦ AAAA {}`),
    lookAlikes:
      list(`at 12:30:45 ¦ std::vector ¦ dead::beef ¦ a::b ¦ 00:1B:44:11:3A:B7 ¦ :: ¦ Foo::bar() ¦ 10:20:30:40 ¦
Luke 12:3-5:7 ¦ ::1 ¦ 2002:08:22 18:26 ¦ fingerprint 43:51:43:a1:b5:fc:8b:b7:0a:3a:a9:b1:0f:66:73:a8 ¦
std::dec ¦ ab:cd ¦ 1:2:3:4:5:6:7 ¦ ratio 16:9 ¦ cafe::Menu ¦ time 1:02:03.456 ¦ std::add_const ¦ {a:1,b:2} ¦
key:value:pair ¦ fe:ed ¦ Add::face ¦ urn:isbn:0451450523 ¦ b::c::d`),
  },
  {
    form: 'address',
    items: (draw) =>
      draw(3) === 0 ? german(draw) : draw(12) === 0 ? `P.O. Box ${between(10, 9999, draw)}` : english(draw),
    frames:
      list(`he lives at {} now ¦ Address: {} ¦ send it to {}. ¦ The shop ({}) was shut ¦ we met in front of {} at dusk ¦
{} ¦ Anschrift: {} ¦ our office, {} ¦ delivered to {} yesterday`),
    lookAlikes: list(`In 1929 Wall Street crashed ¦ 12 miles down the road ¦ Chapter 7 Abbey Road ¦ 3 ways to drive ¦
During 1990 it rained ¦ Spring 12 came late ¦ the 5th Avenue of thought ¦ 20 Years Way too long ¦
page 12 The Long Road ¦ 42 roads lead to it ¦ since 1987 Bond Street has changed ¦ String 5 broke ¦
he walked 100 yards ¦ 4 Square meals ¦ On 12 May Street parties began ¦ Am Montag 3 Uhr ¦ Kapitel 12 ¦
a 10 Day Drive ¦ Psalm 23 Green ¦ Act 3 The Court ¦ 7 seas and a lane ¦ Wall Street ¦ the road of 1850 ¦
12 The Way Home ¦ Seite 12`),
  },
  {
    form: 'social-security',
    items: (draw) =>
      draw(4) === 0
        ? pick(['', ' '], draw) === ''
          ? `JG${digits(6, draw)}${pick(list(`A ¦ B ¦ C ¦ D`), draw)}`
          : `AB ${digits(2, draw)} ${digits(2, draw)} ${digits(2, draw)} ${pick(list(`A ¦ B ¦ C ¦ D`), draw)}`
        : `${between(1, 665, draw).toString().padStart(3, '0')}-${between(1, 99, draw).toString().padStart(2, '0')}-${between(1, 9999, draw).toString().padStart(4, '0')}`,
    frames:
      list(`SSN {} ¦ social security number: {} ¦ her number {} was on the form ¦ ({}) ¦ SS# {} ¦ NI: {} ¦ {} is on file ¦
my social is {}. ¦ taxpayer {}, married`),
    lookAlikes: list(`000-12-3456 ¦ 666-12-3456 ¦ 912-34-5678 ¦ 123-00-4567 ¦ 123-45-0000 ¦ 123-45-678 ¦ 1234-56-7890 ¦
part 123-45-6789 ¦ order no. 219-09-9999 ¦ 123-456-789 ¦ 12-345-6789 ¦ 123.45.6789 ¦ 2001-02-0304 ¦
QQ 12 34 56 C ¦ AB 12 34 56 Z ¦ DA 12 34 56 A ¦ item 123-45-6789 ¦ 123-45-6789-01 ¦ $123-45-6789 ¦ BG123456A ¦
AB1234567 ¦ ISBN 123-45-6789 ¦ 123_45_6789 ¦ room 123-45 ¦ AB 12 34 56`),
  },
  {
    form: 'private-key',
    items: pem,
    frames: list(`\n{}\n ¦ the file holds\n{}\nand no more ¦ key = """{}""" ¦ \n\n{}\n\n`),
    lookAlikes: [
      ...Array.from(
        { length: 8 },
        (): Make => (draw) => pem(draw).replaceAll(/(?:RSA |EC |OPENSSH |ENCRYPTED |DSA )?PRIVATE KEY/g, 'PUBLIC KEY'),
      ),
      ...Array.from(
        { length: 8 },
        (): Make => (draw) => pem(draw).replaceAll(/(?:RSA |EC |OPENSSH |ENCRYPTED |DSA )?PRIVATE KEY/g, 'CERTIFICATE'),
      ),
      ...[
        'it begins with -----BEGIN RSA PRIVATE KEY-----',
        'the header "-----BEGIN PRIVATE KEY-----" is looked for',
        '-----BEGIN PGP SIGNATURE-----\niQEzBAEBCAAdFiEE\n-----END PGP SIGNATURE-----',
      ],
      ...list(`BEGIN PRIVATE KEY ¦ ----- PRIVATE KEY ----- ¦ a private key is kept ¦
-----BEGIN PGP MESSAGE-----\nhQEMA\n-----END PGP MESSAGE----- ¦
if line.startswith("-----BEGIN EC PRIVATE KEY-----"): ¦ ssh-rsa AAAAB3NzaC1yc2E`),
    ],
  },
  {
    form: 'token',
    items: (draw) =>
      pick(
        [
          ...[
            `AKIA${signs(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', draw)}`,
            `ghp_${signs(36, MIXED, draw)}`,
            `github_pat_${signs(22, MIXED, draw)}_${signs(59, MIXED, draw)}`,
          ],
          ...[
            `xoxb-${digits(12, draw)}-${digits(12, draw)}-${signs(24, MIXED, draw)}`,
            `AIza${signs(35, `${MIXED}-_`, draw)}`,
            `sk_live_${signs(24, MIXED, draw)}`,
          ],
          ...[
            `sk-${signs(48, MIXED, draw)}`,
            `glpat-${signs(20, MIXED, draw)}`,
            `npm_${signs(36, MIXED, draw)}`,
            `hf_${signs(34, MIXED, draw)}`,
          ],
          `eyJ${signs(30, MIXED, draw)}.eyJ${signs(80, MIXED, draw)}.${signs(43, `${MIXED}-_`, draw)}`,
        ],
        draw,
      ),
    frames: list(`export KEY={} ¦ token: {} ¦ "{}" ¦ Authorization: Bearer {} ¦ use {} for now ¦ secret = '{}' ¦
curl -H "X-Api-Key: {}" ¦ {}`),
    lookAlikes: [
      ...[
        (draw: Draw) => `commit ${signs(40, '0123456789abcdef', draw)}`,
        (draw: Draw) => `md5 ${signs(32, '0123456789abcdef', draw)}`,
        (draw: Draw) => `sha256:${signs(64, '0123456789abcdef', draw)}`,
      ],
      ...[
        (draw: Draw) =>
          `${signs(8, '0123456789abcdef', draw)}-${signs(4, '0123456789abcdef', draw)}-4a1b-9c2d-${signs(12, '0123456789abcdef', draw)}`,
        (draw: Draw) => `data:image/png;base64,iVBOR${signs(60, BASE64, draw)}`,
      ],
      ...list(`api_key = YOUR_API_KEY_GOES_HERE ¦ token = process.env.ACCESS_TOKEN_2 ¦ AKIAXXXXXXXXXXXXXXXX ¦
ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ¦ secret: <your-secret-key-1>`),
      ...list(`the token economy of antiquity ¦ bearer of bad news and good tidings ¦ sk-learn ¦
token = tokenizer.encode_batch2 ¦ api_key=None ¦ a secret, never told to anyone ¦
access token required for version2 ¦ hf_transfer`),
      ...list(`npm_config_registry ¦ xoxo ¦ Bearer authentication ¦ token: string ¦ AIzawa ¦ eyJhbGciOi ¦
client_secret=\${CLIENT_SECRET_1}`),
    ],
  },
  {
    form: 'password',
    items: (draw) =>
      pick(
        [
          `${pick(FIRST, draw)}${between(10, 9999, draw)}!`.replace(/[^\x21-\x7e]/g, 'u'),
          signs(10, `${MIXED}!#%*`, draw).replace(/^./, 'k').replace(/.$/, '7'),
          `${pick(list(`whale ¦ Harpoon ¦ dragon ¦ qwerty`), draw)}${between(1, 99, draw)}`,
          `Tr0ub4dor_${draw(10)}`,
        ],
        draw,
      ),
    frames:
      list(`password={} ¦ Password: {} ¦ my password is {} ¦ postgres://sailor:{}@db.example.com/logs ¦ "password": "{}" ¦
pwd='{}' ¦ ftp://ship:{}@ftp.example.org/ ¦ passwd = "{}" ¦ login with user ahab and password: {} ¦
https://me:{}@git.example.com/r.git ¦ PASSWORD="{}" ¦ Passwort: {} ¦ the passphrase was {}`),
    lookAlikes:
      list(`password: required ¦ password = getpass() ¦ the password is wrong ¦ password="" ¦ password=args.password ¦
the password was changed yesterday ¦ password: ******** ¦ password=\${DB_PASSWORD} ¦ password: <password> ¦
https://example.com:8080/path ¦ password=your_password_here ¦ Forgot password? Reset ¦ pwd: /home/ahab ¦
the password is not stored ¦ password: string; ¦ http://host:80/a@b ¦ password = None ¦
password must have 8 signs ¦ password=password ¦ let password = self.form.password ¦ mailto:me:you ¦
a password is a word ¦ passphrase: none ¦ password = input("Password 1: ") ¦ pin 3 is ground`),
  },
  {
    form: 'birth-date',
    items: (draw) => dateOf(draw, 1930, 2012),
    frames:
      list(`she was born on {} in Kent ¦ DOB: {} ¦ Date of birth: {} ¦ D.O.B. {} ¦ born {} ¦ birthday: {} ¦ geboren am {} ¦
birthdate {} ¦ He was born in Leeds on {} ¦ Ada (born {}) ¦ date_of_birth={} ¦ Her date of birth is {}.`),
    lookAlikes: [
      ...Array.from(
        { length: 13 },
        (): Make => (draw) =>
          `${pick(list(`on ¦ dated ¦ since ¦ Date: ¦ invoice of ¦ due`), draw)} ${dateOf(draw, 1930, 2012)}`,
      ),
      ...list(`born in 1985 ¦ born on a Tuesday ¦ born in May ¦ a born sailor ¦ born of 12 mothers ¦ born 4 July 1804 ¦
birthday party at 10 ¦ born on the 12th ¦ the birth of a nation ¦ DOB unknown ¦ newborn 12 ¦ born to run in 75`),
    ],
  },
];
