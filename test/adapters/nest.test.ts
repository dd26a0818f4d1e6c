import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import * as express from '@nestjs/platform-express';
import * as fastify from '@nestjs/platform-fastify';
import * as outer from '../../adapters/express.ts';
import * as door from '../../adapters/nest/index.ts';
import { runContract } from './contract.ts';
import { nestAdapter } from './nest/nest-adapter.ts';

const nest = { common, core, door, outer, express, fastify };
runContract(nestAdapter('Nest 12 on Express', nest, 'express'));
runContract(nestAdapter('Nest 12 on Fastify', nest, 'fastify'));
