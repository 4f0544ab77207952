// The REST client: one function a route, by resource. What is common to all of them is in http.ts.
import {assetRoutes} from './asset_routes';
import {backfillRoutes} from './backfill_routes';
import {dagRoutes} from './dag_routes';
import {Http, type ClientOptions} from './http';
import {instanceRoutes} from './instance_routes';
import {recordRoutes} from './record_routes';
import {runRoutes} from './run_routes';
import {systemRoutes} from './system_routes';
import {userRoutes} from './user_routes';

export function makeClient(options: ClientOptions) {
  const http = new Http(options);
  return {
    ...dagRoutes(http),
    ...runRoutes(http),
    ...instanceRoutes(http),
    ...backfillRoutes(http),
    ...assetRoutes(http),
    ...recordRoutes(http),
    ...systemRoutes(http),
    ...userRoutes(http),
  };
}
