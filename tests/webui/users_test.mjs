// Who may sign in, as an admin keeps it; and one's own password.
import assert from 'node:assert/strict';
import {it} from 'node:test';
import {describePages} from './page_suite.mjs';

let mock;
let page;

describePages('users', (started) => ({mock, page} = started), () => {
  const kept = (name) => mock.world.users.find((one) => one.username === name);
  const save = () => page.click('.dialog button[type=submit]');

  it('are made with a password that is made up and shown once, or with one that is written', async () => {
    await page.goto(`${mock.url}/users`);
    await page.waitForSelector('tr[data-user=ana]');
    await page.waitForSelector('tr[data-user=admin] .tag:text("you")');
    await page.keyboard.press('n');
    await page.fill('[name=username]', 'ben');
    await page.selectOption('[name=role]', 'user');
    await page.waitForSelector('.field-note:text("also starts, clears and marks runs")');
    await page.fill('[name=password]', 'short');
    await page.waitForSelector('.field-problem:text("8 characters or more")');
    assert.equal(await page.locator('.dialog button[type=submit]').isDisabled(), true);
    await page.fill('[name=password]', '');
    await save();
    await page.waitForSelector('[data-password]:text("made-up-here")');
    await page.click('.dialog button:text("Done")');
    await page.waitForSelector('tr[data-user=ben] >> text=starts, clears and marks');
    await page.keyboard.press('n');
    await page.fill('[name=username]', 'ana');
    await save();
    await page.waitForSelector('.dialog .notice-error:has-text("exists already")');
    await page.fill('[name=username]', 'carl');
    await page.fill('[name=password]', 'a written one');
    await save();
    await page.waitForSelector('tr[data-user=carl]');
    assert.equal(await page.locator('[data-password]').count(), 0);
    assert.deepEqual(kept('carl'), {username: 'carl', role: 'viewer', password: 'a written one'});
    await page.keyboard.press('/');
    await page.keyboard.type('car');
    await page.waitForFunction(() => document.querySelectorAll('tr[data-user]').length === 1);
  });

  it('are given another role or password, and deleted; admin stays what it is', async () => {
    await page.goto(`${mock.url}/users`);
    await page.click('[aria-label="Change ana"]');
    assert.equal(await page.locator('.dialog button[type=submit]').isDisabled(), true);
    await page.selectOption('[name=role]', 'viewer');
    await save();
    await page.waitForSelector('tr[data-user=ana] td:text-is("viewer")');
    assert.deepEqual(kept('ana'), {username: 'ana', role: 'viewer', password: 'long enough'});
    await page.click('[aria-label="Change ana"]');
    await page.fill('[name=password]', 'another one');
    await save();
    await page.waitForSelector('.dialog', {state: 'detached'});
    assert.equal(kept('ana').password, 'another one');
    await page.click('[aria-label="Change ana"]');
    await page.click('.dialog button:text("Delete")');
    await page.waitForSelector('tr[data-user=ana]', {state: 'detached'});
    await page.click('[aria-label="Change admin"]');
    assert.equal(await page.locator('[name=role]').isDisabled(), true);
    assert.equal(await page.locator('.dialog button:text("Delete")').count(), 0);
  });

  it('are not shown to who is no admin', async () => {
    mock.world.rights = {administer: false};
    await page.goto(`${mock.url}/pools`);
    await page.waitForSelector('nav[aria-label=Administration] a:text("Pools")');
    await page.waitForSelector('nav[aria-label=Administration] a:text("Users")', {state: 'detached'});
  });

  it('change their own password when they know the old one, and stay signed in when they do not', async () => {
    await page.click('[aria-label="Change your password"]');
    await page.fill('[name=current_password]', 'a guess');
    await page.fill('[name=password]', 'something new');
    await page.fill('[name=again]', 'something else');
    await page.waitForSelector('.field-problem:text("It is not the same")');
    await page.fill('[name=again]', 'something new');
    await save();
    await page.waitForSelector('.field-problem:text("That is not your password")');
    await page.fill('[name=current_password]', kept('admin').password);
    await save();
    await page.waitForSelector('.dialog', {state: 'detached'});
    assert.equal(kept('admin').password, 'something new');
    await page.waitForSelector('.shell');
  });
});
