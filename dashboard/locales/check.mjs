// What must hold of the catalogues: the same keys and placeholders in every language, each key used
// and each used key there, and the words of the glossary. Returns what is wrong, a line each.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const LANGUAGES = ['en', 'zh-CN', 'ja'];

// A limit stops, an alert only tells: one word each.
const GLOSSARY = {
  'zh-CN': [
    [/限额|限制额/u, '上限'],
    [/告警|警报|预警/u, '提醒'],
    [/API 钥匙|API key/u, 'API 密钥'],
    [/令牌/u, 'Token'],
    [/供应商|提供商/u, '服务商'],
    [/充钱|储值/u, '充值'],
  ],
  ja: [
    [/リミット(?!レート)/u, '上限'],
    [/API key/u, 'API キー'],
    [/ダッシュボードー/u, 'ダッシュボード'],
  ],
};
// Between a Chinese character and a Latin letter or digit there is a space.
const TIGHT = /\p{Script=Han}[A-Za-z0-9$]|[A-Za-z0-9]\p{Script=Han}/u;

const placeholders = (message) =>
  [...message.matchAll(/\{(\w+)(?=[,}])/g)].map((match) => match[1]).sort().join(' ');

function sources(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) ? [[path, readFileSync(path, 'utf8')]] : [];
  });
}

export function catalogues(root = '.') {
  const faults = [];
  const read = (language) => JSON.parse(readFileSync(join(root, 'locales', `${language}.json`), 'utf8'));
  const [first, ...others] = LANGUAGES.map((language) => [language, read(language)]);
  const keys = Object.keys(first[1]);
  for (const [language, catalogue] of [first, ...others]) {
    const own = Object.keys(catalogue);
    for (const key of keys) if (!(key in catalogue)) faults.push(`${language}: ${key} is missing`);
    for (const key of own) if (!(key in first[1])) faults.push(`${language}: ${key} is not in ${first[0]}`);
    for (const [key, message] of Object.entries(catalogue)) {
      if (message.trim() === '') faults.push(`${language}: ${key} is empty`);
      if (placeholders(message) !== placeholders(first[1][key] ?? message)) {
        faults.push(`${language}: ${key} has other placeholders`);
      }
      for (const [wrong, right] of GLOSSARY[language] ?? []) {
        if (wrong.test(message)) faults.push(`${language}: ${key} should say ${right}`);
      }
      if (language === 'zh-CN' && TIGHT.test(message.replace(/\{\w+\}/g, '·').replace(/[{}]/g, ''))) {
        faults.push(`${language}: ${key} lacks a space between Chinese and Latin`);
      }
    }
  }
  const text = sources(join(root, 'src'));
  const all = text.map(([, code]) => code).join('\n');
  const literals = new Set([...all.matchAll(/['"]([a-z][\w-]*(?:\.[\w-]+)+)['"]/g)].map((match) => match[1]));
  const prefixes = [...all.matchAll(/`([a-z][\w-]*(?:\.[\w-]+)*\.)\$\{/g)].map((match) => match[1]);
  for (const key of keys) {
    const used = literals.has(key) || prefixes.some((prefix) => key.startsWith(prefix));
    if (!used) faults.push(`${key} is not used`);
  }
  for (const [path, code] of text) {
    for (const match of code.matchAll(/\bt\(\s*'([^']+)'/g)) {
      if (!(match[1] in first[1])) faults.push(`${path}: ${match[1]} is in no catalogue`);
    }
    for (const match of code.matchAll(/<\w[^<>]*>\s*([^<>{}=;()]*\p{L}{2,}[^<>{}=;()]*)<\//gu)) {
      faults.push(`${path}: text outside of the catalogues: ${match[1].trim()}`);
    }
    for (const match of code.matchAll(/\b(?:aria-label|title|placeholder|label|alt|hint)="([^"]*\p{L}{2,}[^"]*)"/gu)) {
      if (!(match[1] in first[1])) faults.push(`${path}: text outside of the catalogues: ${match[1]}`);
    }
    if (/dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/.test(code)) {
      faults.push(`${path}: text must not become HTML or a script`);
    }
  }
  return faults;
}
