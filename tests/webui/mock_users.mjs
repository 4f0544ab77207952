// The stand-in's users, as scheduler/api/user_routes.cc answers.
import {fail} from './mock_operations.mjs';

export function users(world) {
  world.users = [{username: 'admin', role: 'admin', password: 'millrace'}, {username: 'ana', role: 'op', password: 'long enough'}];
  const find = (name) => world.users.find((one) => one.username === name) ?? fail(404, `The User with name: \`${name}\` was not found`);
  const wire = ({username, role}) => ({username, role});
  const good = (password) => (password === undefined || password.length >= 8 ? password : fail(400, 'A password has 8 to 1024 characters'));
  return [
    ['GET', '/millrace/v1/users', () => ({total_entries: world.users.length, users: world.users.map(wire)})],
    ['POST', '/millrace/v1/users', ({body: {username, role, password}}) => {
      if (world.users.some((one) => one.username === username)) fail(409, `The User with name: \`${username}\` exists already; PATCH changes it`);
      world.users.push({username, role, password: good(password) ?? 'made-up-here'});
      return {username, role, ...(password === undefined ? {password: 'made-up-here'} : {})};
    }],
    ['PATCH', '/millrace/v1/users/:name', ({args: [name], body}) => wire(Object.assign(find(name), body))],
    ['DELETE', '/millrace/v1/users/:name', ({args: [name]}) => {
      world.users.splice(world.users.indexOf(find(name)), 1);
      return null;
    }],
    ['PATCH', '/millrace/v1/me', ({body}) => {
      if (body.current_password !== find('admin').password) fail(401, 'Invalid credentials');
      return wire(Object.assign(find('admin'), {password: good(body.password)}));
    }],
  ];
}
